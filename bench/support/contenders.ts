/** The ways to bring one snapshot from one filesystem to another that the benchmark compares. */
import { mkdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { Codec } from '../../src/core/codecs.js';
import type { Fleet } from '../../test/support/fleet.js';
import { type Sample, childrenSeconds, peakMb, processorSeconds } from './measure.js';
import type { PrivateSshd } from './private_sshd.js';

export interface Contender {
  readonly name: string;
  /** Sends snapshot `1` of `image` to the first replica, once; cleans up after itself, outside of the time. */
  run(image: string): Promise<Sample>;
}

/** Asking is work of the master, so it is asked seldom; when it was completed, the transfer's history tells. */
const poll_ms = 50;

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Frees what a run wrote, so that every run begins alike. */
async function forget(subvolume: string): Promise<void> {
  await execa('btrfs', ['subvolume', 'delete', subvolume]);
  await settle(path.dirname(subvolume));
}

export async function settle(directory: string): Promise<void> {
  await execa('btrfs', ['filesystem', 'sync', directory]);
  await execa('btrfs', ['subvolume', 'sync', directory]);
  await execa('sync');
}

/** A pipe of the shell; its second half, the sync that makes the copy durable, is timed apart. */
export function pipeContender(
  name: string,
  fleet: Fleet,
  pipeline: (source: string, target: string) => string,
): Contender {
  return {
    name,
    run: async (image) => {
      const source = path.join(fleet.master.fs.mountpoint, image, '1');
      const target = path.join(fleet.replica(0).fs.mountpoint, 'pipe');
      await mkdir(target);
      const cpu_before_s = childrenSeconds();
      const start_ms = performance.now();
      await execa('bash', ['-c', `set -o pipefail; ${pipeline(quote(source), quote(target))}`]);
      const stream_s = (performance.now() - start_ms) / 1_000;
      await execa('btrfs', ['filesystem', 'sync', target]);
      const wall_s = (performance.now() - start_ms) / 1_000;
      const cpu_s = childrenSeconds() - cpu_before_s;
      await forget(path.join(target, '1'));
      await rmdir(target);
      return { wall_s, cpu_s, peak_mb: {}, parts_s: { stream: stream_s } };
    },
  };
}

export function rawPipe(fleet: Fleet, send_options = ''): Contender {
  const name =
    send_options === '' ? 'btrfs send | btrfs receive' : `btrfs send ${send_options} | btrfs receive`;
  return pipeContender(
    name,
    fleet,
    (source, target) => `btrfs send -q ${send_options} ${source} | btrfs receive -q ${target}`,
  );
}

export function sshPipe(fleet: Fleet, sshd: PrivateSshd, send_options = ''): Contender {
  const ssh = sshd.command.map(quote).join(' ');
  return pipeContender(
    'btrfs send | ssh | btrfs receive',
    fleet,
    (source, target) => `btrfs send -q ${send_options} ${source} | ${ssh} "btrfs receive -q ${target}"`,
  );
}

export function sshLz4Pipe(fleet: Fleet, sshd: PrivateSshd, send_options = ''): Contender {
  const ssh = sshd.command.map(quote).join(' ');
  return pipeContender(
    'btrfs send | lz4 | ssh | lz4 -d | btrfs receive',
    fleet,
    (source, target) =>
      `btrfs send -q ${send_options} ${source} | lz4 -1 -c | ${ssh} "lz4 -d -c | btrfs receive -q ${target}"`,
  );
}

/** One transfer of two daemons, from the operator's request to `completed`: durable and named. */
export function icbdrep(fleet: Fleet, codec: Codec): Contender {
  const { master } = fleet;
  const replica = fleet.replica(0);
  const processorNow = (): number =>
    [master, replica].reduce((sum, { pid }) => sum + (pid === undefined ? 0 : processorSeconds(pid)), 0);
  return {
    name: `icbdrep, codec ${codec}`,
    run: async (image) => {
      const cpu_before_s = processorNow();
      const start_ms = Date.now();
      const [sent] = await master.client.transfers.send({ image, numbers: ['1'], to: [replica.name], codec });
      if (sent === undefined) throw new Error('no transfer');
      let transfer = sent;
      while (!transfer.settled) {
        await sleep(poll_ms);
        transfer = await master.client.transfers.get(sent.id);
      }
      const completed_at_ms = (await master.client.transfers.history(transfer.id)).events.at(-1)?.at_ms ?? 0;
      const wall_s = (completed_at_ms - start_ms) / 1_000;
      if (transfer.state !== 'completed') throw new Error(JSON.stringify(transfer.last_error));
      const cpu_s = processorNow() - cpu_before_s;
      const { effects } = await replica.client.transfers.history(transfer.id);
      const receive = effects.find(({ kind, status }) => kind === 'receive' && status === 'done');
      const stream_s = ((receive?.ended_at_ms ?? 0) - (receive?.started_at_ms ?? 0)) / 1_000;
      await master.client.snapshots.delete(image, '1', { node: replica.name, force: true });
      await settle(replica.fs.mountpoint);
      const peak_mb = { master: peakMb(master.pid ?? 0), replica: peakMb(replica.pid ?? 0) };
      return { wall_s, cpu_s, peak_mb, parts_s: { stream: stream_s } };
    },
  };
}
