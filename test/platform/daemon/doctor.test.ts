import { chmod, mkdir, open, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DoctorReport } from '../../../src/core/doctor_report.js';
import { Fleet, type FleetNode, until } from '../../support/fleet.js';
import { makeImageTree } from '../../support/image_tree.js';

const mebibyte = 1024 * 1024;
const program = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;

const doctor = (node: FleetNode, ...args: string[]) =>
  execa(process.execPath, [program, 'doctor', ...args, '--socket', node.socket], {
    reject: false,
    stdin: 'ignore',
  });

/** Status of each check by its name; the worst, if there are more. */
const statuses = ({ checks }: DoctorReport): Record<string, string> =>
  Object.fromEntries(
    checks.toSorted((a, b) => (a.status < b.status ? 1 : -1)).map(({ name, status }) => [name, status]),
  );

const examine = async (node: FleetNode, ...args: string[]): Promise<DoctorReport> =>
  JSON.parse((await doctor(node, '--json', ...args)).stdout) as DoctorReport;

describe('icbdrep doctor', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await Fleet.start({ size_mb: 4_096 });
    const source = await fleet.addImage('vm');
    await makeImageTree(source, 1, 200 * mebibyte);
    await fleet.master.client.snapshots.create('vm', { number: '1' });
    await fleet.master.client.transfers.send({ image: 'vm', numbers: ['1'], to: ['r1'] });
    await fleet.untilSettled();
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  const directory = (): string => path.join(fleet.replica(0).fs.mountpoint, 'vm');
  const makeHidden = async (name: string, is_complete: boolean): Promise<void> => {
    const subvolume = path.join(directory(), name);
    await execa('btrfs', ['subvolume', 'create', subvolume]);
    if (is_complete) await execa('btrfs', ['property', 'set', '-ts', subvolume, 'ro', 'true']);
  };

  test('finds nothing where nothing is wrong: exit code 0', async () => {
    for (const node of fleet.nodes) {
      const { stdout, exitCode } = await doctor(node);
      expect(stdout).toContain(`daemon: ${node.name} answers, as ${node.role}\n`);
      expect(stdout).not.toMatch(/^fail/m);
      expect(exitCode).toBe(0);
    }
    expect(statuses(await examine(fleet.master))).toMatchObject({
      btrfs: 'ok',
      mountpoint: 'ok',
      'state database': 'ok',
      secrets: 'ok',
      transfers: 'ok',
      links: 'ok',
      clock: 'ok',
      'hidden subvolumes': 'ok',
    });
    expect(statuses(await examine(fleet.replica(0)))).toMatchObject({ link: 'ok', receptions: 'ok' });
  });

  test('finds what nobody wants, and removes it when it may', async () => {
    const replica = fleet.replica(0);
    const torn = '.icbdrep-part-99-abcd.1.0.0';
    const whole = '.icbdrep-part-99-abcd.1.0.1';
    const by_hand = '.icbdrep-part-deadbeef.1.0.0';
    await makeHidden(torn, false);
    await makeHidden(whole, true);
    await makeHidden(by_hand, true);
    const found = await examine(replica);
    expect(found.leftovers).toMatchObject([
      { image: 'vm', name: torn, is_complete: false, is_removable: true },
      { image: 'vm', name: whole, is_complete: true, is_removable: true },
      { image: 'vm', name: by_hand, is_removable: false },
    ]);
    const text = await doctor(replica);
    expect(text.exitCode).toBe(1);
    expect(text.stdout).toMatch(/^fail {2}hidden subvolumes: nobody wants .*99-abcd/m);
    expect(text.stdout).toContain('hint: icbdrep doctor --fix removes them');

    expect(await doctor(replica, '--fix')).toMatchObject({ exitCode: 2, stdout: '' });
    expect(await readdir(directory())).toEqual(expect.arrayContaining([torn, whole, by_hand, '1']));
    const fixed = await doctor(replica, '--fix', '--yes');
    expect(fixed.stderr).toContain(`vm/${torn}: removed\nvm/${whole}: removed`);
    expect(fixed.exitCode).toBe(0);
    expect((await readdir(directory())).toSorted()).toEqual([by_hand, '1']);
  });

  test('never removes anything else, whatever is asked', async () => {
    await makeHidden('9', false);
    await mkdir(path.join(directory(), '.icbdrep-part-98-abcd.1.0.0'));
    const before = await readdir(directory());
    const names = [
      '1',
      '9',
      '../vm/9',
      '.icbdrep-part-deadbeef.1.0.0',
      '.icbdrep-part-98-abcd.1.0.0',
      '.',
      '',
    ];
    const removals = await fleet.replica(0).client.removeLeftovers('vm', names);
    expect(removals.map(({ is_removed }) => is_removed)).toEqual(names.map(() => false));
    expect(await readdir(directory())).toEqual(before);
    await expect(fleet.replica(0).client.removeLeftovers('other', ['x'])).rejects.toMatchObject({
      code: 'ImageNotFound',
    });
  });

  test('leaves alone what is of a transfer that runs', async () => {
    const replica = fleet.replica(0);
    await makeImageTree(await fleet.addImage('busy'), 2, 200 * mebibyte);
    await fleet.master.client.snapshots.create('busy', { number: '1' });
    const [transfer] = await fleet.master.client.transfers.send({
      image: 'busy',
      numbers: ['1'],
      to: ['r1'],
    });
    if (transfer === undefined) throw new Error('no transfer');
    const reception = async () => (await replica.client.transfers.list({ image: 'busy' }))[0];
    await until(
      async () => ((await reception())?.progress?.stream_bytes ?? 0) > 0,
      () => 'the reception to receive',
    );
    await fleet.master.kill();
    await until(
      async () => (await reception())?.state === 'disconnected',
      () => 'the reception to miss its link',
    );
    const name = `.icbdrep-part-${transfer.id}.77.0.0`;
    await execa('btrfs', ['subvolume', 'create', path.join(replica.fs.mountpoint, 'busy', name)]);
    const { leftovers } = await examine(replica);
    expect(leftovers.filter(({ image }) => image === 'busy')).toEqual([]);
    expect(await replica.client.removeLeftovers('busy', [name])).toMatchObject([
      { name, is_removed: false, reason: `the transfer ${transfer.id} wants it` },
    ]);
    await fleet.master.start();
    await fleet.untilOnline();
    expect((await fleet.untilSettled()).at(-1)?.state).toBe('completed');
  });

  test('finds failed transfers until they are of no interest any more', async () => {
    await makeHidden('2', true);
    await fleet.master.client.snapshots.create('vm', { number: '2' });
    await fleet.master.client.transfers.send({ image: 'vm', numbers: ['2'], to: ['r1'] });
    await fleet.untilSettled();
    const found = await doctor(fleet.master);
    expect(found.exitCode).toBe(1);
    expect(found.stdout).toMatch(/^fail {2}transfers: failed: \S+ \(vm\/2 to r1\)$/m);
    await fleet.master.client.snapshots.delete('vm', '2');
    expect((await doctor(fleet.master)).exitCode).toBe(0);
  });

  test('finds secrets that others can read', async () => {
    const secret = path.join(fleet.directory, 'r1.secret');
    await chmod(secret, 0o644);
    const found = await doctor(fleet.master);
    expect(found.exitCode).toBe(1);
    expect(found.stdout).toContain(`fail  secrets: ${secret} can be read by other users\n`);
    await chmod(secret, 0o600);
    expect((await doctor(fleet.master)).exitCode).toBe(0);
  });

  test('says first that the daemon is down, and looks at what it can', async () => {
    const replica = fleet.replica(0);
    await fleet.master.stop();
    expect(statuses(await examine(replica))).toMatchObject({ link: 'fail' });
    await replica.stop();
    const text = await doctor(replica, '--config', replica.config_file);
    expect(text.exitCode).toBe(1);
    expect(text.stdout).toMatch(/^fail {2}daemon: no daemon listens on /);
    expect(text.stdout.match(/^fail/gm)).toHaveLength(1);
    expect(statuses(await examine(replica, '--config', replica.config_file))).toMatchObject({
      config: 'ok',
      mountpoint: 'ok',
      'state database': 'ok',
      secrets: 'ok',
    });
    const master = await examine(fleet.master, '--config', fleet.master.config_file);
    expect(master).toMatchObject({ is_running: false, node: 'master', role: 'master' });
    expect(statuses(await examine(replica))).toMatchObject({ daemon: 'fail', config: 'warn' });
    expect(statuses(await examine(replica, '--config', '/nowhere'))).toMatchObject({ config: 'fail' });
    const refused = await doctor(replica, '--fix', '--yes');
    expect(refused).toMatchObject({ exitCode: 12, stdout: '' });
  });

  test('finds a damaged database, and a filesystem that is gone', async () => {
    const replica = fleet.replica(0);
    const file = await open(replica.database_file, 'r+');
    const { size } = await file.stat();
    // Not the first page: then it would be no database at all.
    for (let offset = 4_096; offset < size; offset += 4_096) {
      await file.write(Buffer.alloc(64, 0xa5), 0, 64, offset);
    }
    await file.close();
    const text = await readFile(replica.config_file, 'utf8');
    const config = path.join(replica.directory, 'changed.toml');
    await writeFile(config, text.replace(/^mountpoint = .*$/m, 'mountpoint = "/proc"'));
    expect(statuses(await examine(replica, '--config', config))).toMatchObject({
      'state database': 'fail',
      mountpoint: 'fail',
    });
  });
});
