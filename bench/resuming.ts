/** What checkpoints cost while nothing happens, and what a kill costs with them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TransferReport } from '../src/core/report.js';
import { Fleet } from '../test/support/fleet.js';
import { icbdrep, settle } from './support/contenders.js';
import { makeImage } from './support/image.js';
import { median } from './support/measure.js';
import { type Row, medianRatio, table, verdict, wallOf } from './support/table.js';

interface Options {
  readonly size_mb: number;
  readonly runs: number;
  readonly say: (line: string) => void;
}

const mib = 1024 * 1024;
/** One that is never reached. */
const no_checkpoint_mib = 1_048_576;
const distances_mib = [no_checkpoint_mib, 256, 64] as const;
const kill_checkpoint_mib = 64;
const kill_at = 0.9;
/** What may be sent again: one checkpoint, what the sender keeps, and the buffers of the sockets. */
const again_mib_max = kill_checkpoint_mib + 16 + 8;

const nameOf = (distance_mib: number): string =>
  distance_mib === no_checkpoint_mib ? 'no checkpoint' : `a checkpoint each ${distance_mib} MiB`;

/** Restarts the replica with another distance between checkpoints. */
async function setDistance(fleet: Fleet, distance_mib: number): Promise<void> {
  const replica = fleet.replica(0);
  await replica.stop();
  const before = readFileSync(replica.config_file, 'utf8');
  writeFileSync(
    replica.config_file,
    before.replace(/^checkpoint_mib = .*$/m, `checkpoint_mib = ${distance_mib}`),
  );
  await replica.start();
  await fleet.untilOnline();
}

async function costOfCheckpoints(fleet: Fleet, { runs, say }: Options): Promise<string> {
  const rows = distances_mib.map((distance) => ({
    name: nameOf(distance),
    samples: [] as Row['samples'][number][],
  }));
  const contender = icbdrep(fleet, 'none');
  for (let run = 0; run <= runs; run += 1) {
    for (const [index, distance] of distances_mib.entries()) {
      await setDistance(fleet, distance);
      const sample = await contender.run('vm');
      say(`  ${run === 0 ? 'warm-up' : `run ${run}`}: ${nameOf(distance)}: ${sample.wall_s.toFixed(2)} s`);
      if (run > 0) rows[index]?.samples.push(sample);
    }
  }
  const [none, far] = rows;
  if (none === undefined || far === undefined) throw new Error('no rows');
  return [
    table(rows, 'none'),
    '',
    verdict(
      `${nameOf(256)} to none, durable`,
      medianRatio(far, none, wallOf),
      (ratio) => ratio <= 1.1,
      '<= 1.10',
    ),
  ].join('\n');
}

/** MiB that were sent again after a kill of the replica, and the seconds from its start to `completed`. */
async function killOnce(fleet: Fleet, size_mb: number): Promise<{ again_mib: number; seconds: number }> {
  const { master } = fleet;
  const [replica, proxy] = [fleet.replica(0), fleet.proxy(0)];
  const first_bytes = proxy.counts.data_bytes;
  const reached = proxy.reach(first_bytes + kill_at * size_mb * mib);
  const [sent] = await master.client.transfers.send({
    image: 'vm',
    numbers: ['1'],
    to: [replica.name],
    codec: 'none',
  });
  await reached;
  await replica.kill();
  const started_ms = performance.now();
  await replica.start();
  let transfer: TransferReport | undefined;
  while (transfer?.settled !== true) {
    await sleep(50);
    transfer = await master.client.transfers.get(sent?.id ?? '');
  }
  const seconds = (performance.now() - started_ms) / 1_000;
  if (transfer.state !== 'completed') throw new Error(JSON.stringify(transfer.last_error));
  const again_mib = (proxy.counts.data_bytes - first_bytes - (transfer.stream_bytes ?? 0)) / mib;
  await master.client.snapshots.delete('vm', '1', { node: replica.name, force: true });
  await settle(replica.fs.mountpoint);
  return { again_mib, seconds };
}

async function costOfKills(fleet: Fleet, { size_mb, runs, say }: Options): Promise<string> {
  await setDistance(fleet, kill_checkpoint_mib);
  const kills: { again_mib: number; seconds: number }[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const kill = await killOnce(fleet, size_mb);
    say(
      `  kill ${run}: ${kill.again_mib.toFixed(1)} MiB sent again, completed after ${kill.seconds.toFixed(2)} s`,
    );
    kills.push(kill);
  }
  const again = kills.map(({ again_mib }) => again_mib);
  return [
    `| kill of the replica at ${100 * kill_at} % of ${size_mb} MB, ${nameOf(kill_checkpoint_mib)} | median | most |`,
    '| --- | ---: | ---: |',
    `| MiB sent again | ${median(again).toFixed(1)} | ${Math.max(...again).toFixed(1)} |`,
    `| seconds from its next start to completed | ${median(kills.map(({ seconds }) => seconds)).toFixed(2)} | ${Math.max(...kills.map(({ seconds }) => seconds)).toFixed(2)} |`,
    '',
    verdict(
      'most MiB sent again',
      Math.max(...again),
      (value) => value <= again_mib_max,
      `<= ${again_mib_max}: one checkpoint, and what was in flight`,
    ),
  ].join('\n');
}

async function withFleet(
  { size_mb }: Options,
  has_proxies: boolean,
  measure: (fleet: Fleet) => Promise<string>,
): Promise<string> {
  const fleet = await Fleet.start({
    size_mb: size_mb * 4 + 1_024,
    has_proxies,
    replica: { transfers: `checkpoint_mib = ${no_checkpoint_mib}\ncheckpoint_s = 86400` },
  });
  try {
    await makeImage(fleet, 'vm', size_mb);
    return await measure(fleet);
  } finally {
    await fleet.dispose();
  }
}

/** Both tables of the section. */
export async function resuming(options: Options): Promise<string> {
  options.say(`3. checkpoints and kills, ${options.size_mb} MB`);
  // Without a proxy, which would take a part of the processor.
  const cost = await withFleet(options, false, (fleet) => costOfCheckpoints(fleet, options));
  const kills = await withFleet(options, true, (fleet) => costOfKills(fleet, options));
  return [cost, '', kills].join('\n');
}
