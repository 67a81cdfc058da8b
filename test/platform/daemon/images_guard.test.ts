import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IcbdError } from '../../../src/core/errors.js';
import type { SnapshotNeed } from '../../../src/core/report.js';
import { Fleet, type FleetNode } from '../../support/fleet.js';
import { changeImageTree, makeImageTree } from '../../support/image_tree.js';
import { isSettled, send, untilTransfer } from '../../support/replicate.js';

const mib = 1024 * 1024;
const cli = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;

const run = async (node: FleetNode, ...argv: string[]) =>
  execa(process.execPath, [cli, '--socket', node.socket, ...argv], { reject: false });
const there = async (node: FleetNode): Promise<string[]> =>
  (await node.client.snapshots.list('vm')).map(({ number }) => number);

describe('a snapshot that somebody needs', () => {
  let fleet: Fleet;
  let source: string;
  const client = () => fleet.master.client;
  const refused = async (number: string, node?: string): Promise<IcbdError> => {
    const error = await client()
      .snapshots.delete('vm', number, { node })
      .then(
        () => undefined,
        (thrown: IcbdError) => thrown,
      );
    expect(error?.code).toBe('SnapshotInUse');
    return error as IcbdError;
  };
  const numbers = async (node?: string): Promise<string[]> =>
    (await client().snapshots.list('vm', { node })).map(({ number }) => number);
  /** Who needs what, for example `1 base r1`. */
  const needs = async (node?: string): Promise<string[]> =>
    (await client().images.get('vm', { node })).needs.map(
      ({ number, kind, node: who }: SnapshotNeed) => `${number} ${kind} ${who}`,
    );
  const sendWhole = async (number: string, to: string): Promise<void> => {
    const { id } = await send(fleet, 'vm', number, to);
    expect(await untilTransfer(fleet, id, isSettled)).toMatchObject({ state: 'completed' });
  };
  const take = async (seed: number): Promise<void> => {
    await changeImageTree(source, seed);
    await client().snapshots.create('vm');
  };

  beforeAll(async () => {
    fleet = await Fleet.start({ size_mb: 512, replicas: 2, has_proxies: true });
    source = await fleet.addImage('vm');
    await makeImageTree(source, 1, 24 * mib);
    await client().snapshots.create('vm');
    await take(2);
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  test('is free to go before anybody has it', async () => {
    await take(3);
    expect(await client().snapshots.delete('vm', '3')).toMatchObject({ number: '3' });
    expect(await needs()).toEqual([]);
  });

  test('as the base of the next increment is kept, for each replica, and it is said what it would cost', async () => {
    await sendWhole('1', 'r1');
    await sendWhole('1', 'r2');
    const both = await refused('1');
    expect(both.message).toMatch(
      /^vm\/1 is needed: it is the base of the next increment with r1, since 20\d\d-\S+Z; .*with r2, since/,
    );
    expect(both.message).toContain('without it, the next transfer would be a full one');
    expect(both.hint).toBe('--force deletes it all the same');

    await sendWhole('2', 'r1');
    const older = await refused('1');
    expect(older.message).toContain('with r2');
    expect(older.message).not.toContain('with r1');
    expect((await refused('2')).message).toMatch(/with r1, .*the next transfer would have to be based on 1$/);
    expect(await needs()).toEqual(['2 base r1', '1 base r2']);
    expect(await numbers()).toEqual(['1', '2']);
  });

  test('is shown with who needs it', async () => {
    const list = await client().snapshots.list('vm', { needs: true });
    expect(list.map(({ needed_by }) => needed_by?.map(({ node }) => node))).toEqual([['r2'], ['r1']]);
    expect((await client().snapshots.list('vm'))[0]?.needed_by).toBeNull();
    expect((await run(fleet.master, 'snapshots', 'vm')).stdout).toMatch(
      /NEEDED BY[^]*r2 \(base\)[^]*r1 \(base\)/,
    );
    expect((await run(fleet.master, 'image', 'show', 'vm')).stdout).toMatch(
      /^needed +2 is the base of the next increment \(r1\), since /m,
    );
    const deletion = await run(fleet.master, 'snapshot', 'delete', 'vm', '1');
    expect(deletion.exitCode).toBe(12);
    expect(deletion.stderr).toMatch(/\[SnapshotInUse\]\nhint: --force deletes it all the same$/);
  });

  test('is kept for a replica that is offline, by what was sent to it', async () => {
    await fleet.replica(1).stop();
    expect((await refused('1')).message).toContain('with r2');
    expect(await needs()).toEqual(['2 base r1', '1 base r2']);
  });

  test('is kept on a replica for its master; older ones are not', async () => {
    expect(await needs('r1')).toEqual(['2 base master']);
    expect((await refused('2', 'r1')).message).toMatch(/with master, .*would have to be based on 1$/);
    await client().snapshots.delete('vm', '1', { node: '1' });
    expect(await numbers('r1')).toEqual(['2']);
    expect((await refused('2', '1')).message).toContain('would be a full one');
  });

  test('is free when a replica that is online says that it has lost its copy', async () => {
    await execa('btrfs', ['subvolume', 'delete', fleet.replica(0).snapshotPath('vm', '2')]);
    expect(await needs()).toEqual(['1 base r2']);
    await client().snapshots.delete('vm', '2');
    expect(await numbers()).toEqual(['1']);
  });

  test('is deleted by force, and the next transfer is a full one', async () => {
    await refused('1');
    expect(await client().snapshots.delete('vm', '1', { force: true })).toMatchObject({ number: '1' });
    expect(await numbers()).toEqual([]);
    await fleet.replica(1).start();
    await fleet.untilOnline();
    await take(4);
    const { id } = await send(fleet, 'vm', '1', 'r1');
    expect(await untilTransfer(fleet, id, isSettled)).toMatchObject({ state: 'completed', parent: null });
  });

  test('on a replica is deleted by force as well', async () => {
    await refused('1', 'r2');
    await client().snapshots.delete('vm', '1', { node: '2', force: true });
    expect(await numbers('r2')).toEqual([]);
  });

  test('by what runs now is kept, all who need it are named, and by force the kernel keeps it too', async () => {
    await sendWhole('1', 'r2');
    await changeImageTree(source, 5);
    await makeImageTree(path.join(source, 'more'), 6, 24 * mib);
    await client().snapshots.create('vm');
    const held = fleet.proxy(0).holdDataAt(4 * mib);
    const { id } = await send(fleet, 'vm', '2', 'r1');
    await held;
    const sent = await refused('2');
    expect(sent.message).toMatch(new RegExp(`^vm/2 is needed: the transfer ${id} to r1 sends it, since `));
    expect(sent.hint).toBe(
      `wait for it, or cancel it on the master: icbdrep transfer cancel ${id}; --force deletes it all the same`,
    );
    const parent = await refused('1');
    expect(parent.message).toContain(`the transfer ${id} with r1 is based on it, since `);
    expect(parent.message).toContain('it is the base of the next increment with r1');
    expect(parent.message).toContain('it is the base of the next increment with r2');
    expect((await refused('1', 'r1')).message).toContain(`the transfer ${id} with master is based on it`);
    for (const number of ['1', '2']) {
      const error = await client()
        .snapshots.delete('vm', number, { force: true })
        .catch((thrown: IcbdError) => thrown);
      expect(error).toMatchObject({ code: 'BtrfsFailed' });
      expect((error as IcbdError).hint).toContain('that btrfs send reads now');
    }
    fleet.proxy(0).release();
    expect(await untilTransfer(fleet, id, isSettled)).toMatchObject({ state: 'completed', parent: '1' });
    expect(await numbers()).toEqual(['1', '2']);
  });

  test('of an image that a replica does not have any more is free for it', async () => {
    await client().images.remove('vm', { node: 'r2' });
    expect((await needs()).filter((need) => need.endsWith('r2'))).toEqual([]);
    await client().snapshots.delete('vm', '1');
    expect(await numbers()).toEqual(['2']);
  });

  test('nothing is deleted that was refused, on any node', async () => {
    expect(await there(fleet.master)).toEqual(['2']);
    expect(await there(fleet.replica(0))).toEqual(['1', '2']);
  });
});
