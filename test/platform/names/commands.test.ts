/** `icbdrep ns` at a real name server, as somebody types it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NameReport, RemovedNameReport } from '../../../src/core/name_report.js';
import { until } from '../../support/fleet.js';
import { freePort } from '../../support/fleet_config.js';
import { Daemon } from './daemon.js';

const cli = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;
let directory: string;
let server: Daemon;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), `icbdrep-ns-${process.pid}-`));
  const lines = [`[listen]\nport = ${await freePort()}`, '[names]\nauto_clean_s = 1'];
  server = await Daemon.make({ role: 'nameserver', name: 'names', directory }, lines);
  await server.start();
});
afterAll(async () => {
  await server.end('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

interface Said {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

async function ns(...args: readonly string[]): Promise<Said> {
  const command = [cli, '--socket', server.socket, 'ns', ...args];
  const result = await execa(process.execPath, command, { reject: false, stdin: 'ignore' });
  return { code: result.exitCode, out: result.stdout, err: result.stderr };
}

async function nsJson<T>(...args: readonly string[]): Promise<T> {
  const { code, out, err } = await ns(...args, '--json');
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as T;
}

const listed = async (...filter: readonly string[]): Promise<string[]> =>
  (await nsJson<NameReport[]>('list', ...filter)).map(({ name }) => name);

describe('icbdrep ns', () => {
  test('registers, finds and lists by filters', async () => {
    for (const [name, words] of [
      ['vm.a', 'fast,big'],
      ['vm.b', 'fast'],
      ['tape.1', 'old'],
    ] as const) {
      const made = await nsJson<NameReport>('register', name, '10.0.0.5:80', '--metadata', words);
      expect(made).toMatchObject({ name, owner: 'operator', lease_s: null });
      expect(await nsJson('lookup', name)).toEqual(made);
    }
    expect(await listed()).toEqual(['icbdrep.nameserver', 'tape.1', 'vm.a', 'vm.b']);
    expect(await listed('--prefix', 'vm.')).toEqual(['vm.a', 'vm.b']);
    expect(await listed('--regex', '(vm|tape)\\.[b1]$')).toEqual(['tape.1', 'vm.b']);
    expect(await listed('--all-metadata', 'fast,big')).toEqual(['vm.a']);
    expect(await listed('--any-metadata', 'old,big')).toEqual(['tape.1', 'vm.a']);
    expect((await ns('list')).out).toMatch(/^vm\.a +10\.0\.0\.5:80 +reachable +never +operator +big,fast$/m);
    expect((await ns('ping')).out).toMatch(/^name server +names$/m);
    expect((await nsJson<NameReport>('metadata', 'vm.b', 'slow')).metadata).toEqual(['slow']);
  });

  test('says what is wrong, with an exit code for scripts', async () => {
    const wrong: readonly (readonly [code: number, error: string, args: readonly string[]])[] = [
      [10, 'NameNotFound', ['lookup', 'vm.z']],
      [11, 'NameAlreadyRegistered', ['register', 'vm.a', 'h:1', '--safe']],
      [1, 'NotPermitted', ['remove', 'icbdrep.nameserver']],
      [2, 'InvalidArgument', ['list', '--prefix', 'a', '--regex', 'b']],
      [2, 'InvalidArgument', ['list', '--regex', 'vm.(a']],
      [2, 'InvalidArgument', ['list', '--regex', '(a{1,100}){1,10}'.repeat(50)]],
      [2, 'InvalidArgument', ['remove', '--prefix', 'vm']],
    ];
    for (const [code, error, args] of wrong) {
      const said = await ns(...args);
      expect([said.code, said.out]).toEqual([code, '']);
      expect(said.err).toMatch(new RegExp(`^icbdrep: .* \\[${error}\\]\\nhint: .`));
    }
    expect((await ns('list', '--regex', '(.*)*(.*)*(.*)*!')).code).toBe(0);
  });

  test('loses nothing by a crash, and removes by prefix and expression with the count', async () => {
    const before = await nsJson('list', '--prefix', 'vm');
    await server.end('SIGKILL');
    await server.start();
    expect(await nsJson('list', '--prefix', 'vm')).toEqual(before);
    expect((await ns('remove', '--prefix', 'vm', '--yes')).out).toBe('2 names removed\n  vm.a\n  vm.b');
    expect(await nsJson('remove', '--regex', '.*', '--yes')).toEqual({ removed: 1, names: ['tape.1'] });
    expect(await listed()).toEqual(['icbdrep.nameserver']);
  });

  test('tells when and why a name is gone whose lease was not renewed', async () => {
    await nsJson('register', 'short', 'h:1', '--lease', '1s');
    await until(
      async () => !(await listed()).includes('short'),
      () => 'the lease to lapse',
    );
    const [last] = await nsJson<RemovedNameReport[]>('list', '--removed');
    expect(last).toMatchObject({ name: 'short', reason: 'its lease of 1 s was not renewed' });
    expect((await ns('list', '--removed')).out).toMatch(/^short +\d{4}-.* its lease of 1 s was not renewed/m);
    expect((await ns('lookup', 'short')).code).toBe(10);
  });
});
