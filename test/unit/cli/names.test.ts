import { afterEach, describe, expect, test } from 'vitest';
import { renderNames, renderRemoved } from '../../../src/cli/render/names.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { NameReport } from '../../../src/core/name_report.js';
import { run } from './fake_context.js';
import { type Answer, type FakeDaemon, startFakeDaemon } from './fake_daemon.js';
import { noon_ms } from './samples.js';

let daemon: FakeDaemon | undefined;
afterEach(async () => {
  await daemon?.dispose();
  daemon = undefined;
});

async function start(answer: Answer): Promise<FakeDaemon> {
  daemon = await startFakeDaemon(answer);
  return daemon;
}

const replica: NameReport = {
  name: 'icbdrep.replica.r1',
  address: 'ws://10.0.0.5:9410',
  metadata: ['fast', 'old'],
  owner: 'r1',
  lease_s: 60,
  registered_at_ms: noon_ms - 100_000,
  renewed_at_ms: noon_ms - 20_000,
  expires_at_ms: noon_ms + 40_000,
  state: 'unreachable',
  state_at_ms: noon_ms - 90_000,
  state_reason: 'no answer to 3 keep-alives',
};
const vm: NameReport = {
  ...replica,
  name: 'vm.1',
  metadata: [],
  owner: 'operator',
  lease_s: null,
  expires_at_ms: null,
  state: 'reachable',
  state_reason: '',
};
const view = { now_ms: noon_ms, columns: null, color: false };

/** Of `ns remove`. */
const answer: Answer = ({ method }) =>
  method === 'GET' ? [{ ...vm, name: 'icbdrep.nameserver' }, vm] : { removed: 1, names: ['vm.1'] };
const deletions = ({ requests }: FakeDaemon): string[] =>
  requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path);

describe('ns list', () => {
  test('shows state and lapse in words', () => {
    const lapsed = { ...replica, name: 'vm.2', expires_at_ms: noon_ms - 1, state: 'suspect' as const };
    const rows = renderNames([replica, vm, lapsed], view)
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    const [address, why] = ['ws://10.0.0.5:9410', 'no answer to 3 keep-alives'];
    expect(rows).toEqual([
      ['NAME', 'ADDRESS', 'STATE', 'LAPSES', 'OWNER', 'METADATA', 'WHY'],
      ['icbdrep.replica.r1', address, 'unreachable for 1 min 30 s', 'in 40 s', 'r1', 'fast,old', why],
      ['vm.1', address, 'reachable', 'never', 'operator'],
      ['vm.2', address, 'suspect for 1 min 30 s', 'not renewed', 'r1', 'fast,old', why],
    ]);
    expect(renderNames([], view)).toBe('no names\n');
    expect(renderNames([{ ...replica, state_reason: '\u001b[2J' }], view)).not.toContain('\u001b');
  });

  test.each([
    [[], '/v1/names'],
    [['--prefix', 'vm.'], '/v1/names?prefix=vm.'],
    [['--regex', 'vm\\.\\d+$'], '/v1/names?regex=vm%5C.%5Cd%2B%24'],
    [['--all-metadata', 'a,b'], '/v1/names?metadata_all=a&metadata_all=b'],
    [['--any-metadata', 'a', '--prefix', 'x'], '/v1/names?prefix=x&metadata_any=a'],
    [['--removed'], '/v1/names-removed'],
    [['--removed', '--limit', '5'], '/v1/names-removed?limit=5'],
  ])('%j asks for it', async (flags, path) => {
    const { socket, requests } = await start(() => []);
    expect(await run(socket, ['ns', 'list', ...flags])).toMatchObject({ code: 0, err: '' });
    expect(requests).toEqual([{ method: 'GET', path, body: undefined }]);
  });

  test.each([[['--removed', '--prefix', 'a']], [['--limit', '5']]])('%j is no question', async (flags) => {
    const { socket, requests } = await start(() => []);
    expect(await run(socket, ['ns', 'list', ...flags])).toMatchObject({ code: 2, out: '' });
    expect(requests).toEqual([]);
  });

  test('of what is gone has the reason', () => {
    const removed_at_ms = noon_ms;
    const one = {
      name: 'vm.1',
      address: 'h:1',
      owner: 'r1',
      removed_at_ms,
      reason: 'its lease of 60 s was not renewed',
    };
    expect(renderRemoved([one], view)).toMatch(
      /^NAME +REMOVED +WHY.*\nvm\.1 +\d{4}-.*its lease of 60 s was not renewed +r1 +h:1\n$/,
    );
    expect(renderRemoved([], view)).toBe('nothing was removed\n');
  });
});

describe('ns lookup and ping', () => {
  test('show all that is known', async () => {
    const { socket } = await start(({ path }) =>
      path === '/v1/name-server'
        ? { node: 'names', address: 'ws://h:9409', names: 3, started_at_ms: noon_ms, round_trip_ms: 7 }
        : replica,
    );
    const { out } = await run(socket, ['ns', 'lookup', 'icbdrep.replica.r1']);
    for (const text of ['ws://10.0.0.5:9410', 'unreachable for', 'no answer to 3', 'fast, old', '1 min']) {
      expect(out).toContain(text);
    }
    expect((await run(socket, ['ns', 'ping'])).out).toMatch(/names +3\n(.*\n)*answered in +7 ms\n/);
    const json = await run(socket, ['ns', 'lookup', 'icbdrep.replica.r1', '--json']);
    expect(JSON.parse(json.out)).toEqual(replica);
  });

  test('of an unknown name is exit code 10, with a hint', async () => {
    const unknown = new IcbdError('NameNotFound', 'there is no name x y', { operation: 'x', hint: 'look' });
    const { socket, requests } = await start(() => unknown);
    const ran = await run(socket, ['ns', 'lookup', 'x/y']);
    expect(ran).toEqual({
      code: 10,
      out: '',
      err: 'icbdrep: there is no name x y [NameNotFound]\nhint: look\n',
    });
    expect(requests[0]?.path).toBe('/v1/names/x%2Fy');
  });
});

describe('ns register and metadata', () => {
  test.each([
    [['vm.1', 'h:1'], { name: 'vm.1', address: 'h:1', metadata: [], lease_s: null, safe: false }],
    [
      ['vm.1', 'h:1', '--metadata', 'a,b', '--lease', '5m', '--safe'],
      { name: 'vm.1', address: 'h:1', metadata: ['a', 'b'], lease_s: 300, safe: true },
    ],
  ])('%j', async (args, body) => {
    const { socket, requests } = await start(() => vm);
    expect(await run(socket, ['ns', 'register', ...args])).toMatchObject({ code: 0, err: '' });
    expect(requests).toEqual([{ method: 'POST', path: '/v1/names', body }]);
  });

  test.each(['0s', 'soon', '5', '5y', '-1m'])('a lease of %s is none', async (lease) => {
    const { socket, requests } = await start(() => vm);
    expect((await run(socket, ['ns', 'register', 'a', 'h:1', '--lease', lease])).code).toBe(2);
    expect(requests).toEqual([]);
  });

  test('a name that is taken is exit code 11', async () => {
    const taken = new IcbdError('NameAlreadyRegistered', 'vm.1 is registered', { operation: 'x' });
    const { socket } = await start(() => taken);
    expect((await run(socket, ['ns', 'register', 'vm.1', 'h:1', '--safe'])).code).toBe(11);
  });

  test('metadata is replaced by the words that follow', async () => {
    const { socket, requests } = await start(() => vm);
    await run(socket, ['ns', 'metadata', 'vm.1', 'a', 'b c']);
    await run(socket, ['ns', 'metadata', 'vm.1']);
    expect(requests.map(({ path, body }) => [path, body])).toEqual([
      ['/v1/names/vm.1/metadata', { metadata: ['a', 'b c'] }],
      ['/v1/names/vm.1/metadata', { metadata: [] }],
    ]);
  });
});

describe('ns remove', () => {
  test('of one name does it at once', async () => {
    const fake = await start(answer);
    expect(await run(fake.socket, ['ns', 'remove', 'vm.1'])).toEqual({
      code: 0,
      out: '1 name removed\n  vm.1\n',
      err: '',
    });
    expect(fake.requests).toHaveLength(1);
    expect(deletions(fake)).toEqual(['/v1/names?name=vm.1']);
  });

  test.each([
    ['y', ['--prefix', 'vm'], '/v1/names?prefix=vm'],
    ['yes', ['--regex', 'v'], '/v1/names?regex=v'],
    ['n', ['--prefix', 'vm'], undefined],
    ['', ['--regex', 'v'], undefined],
  ])('of many asks first, and %j is the answer', async (said, flags, path) => {
    const fake = await start(answer);
    const ran = await run(fake.socket, ['ns', 'remove', ...flags], { answer: said });
    expect(ran.err).toBe('  vm.1 of operator\nremove 1 name? [y/N] ');
    expect(deletions(fake)).toEqual(path === undefined ? [] : [path]);
  });

  test('of many without a terminal needs --yes', async () => {
    const fake = await start(answer);
    const ran = await run(fake.socket, ['ns', 'remove', '--prefix', 'vm']);
    expect([ran.code, deletions(fake)]).toEqual([2, []]);
    expect(ran.err).toContain('hint: give --yes too');
    expect((await run(fake.socket, ['ns', 'remove', '--prefix', 'vm', '--yes'])).code).toBe(0);
    expect(deletions(fake)).toEqual(['/v1/names?prefix=vm']);
  });

  test.each([
    [[]],
    [['vm.1', '--prefix', 'vm']],
    [['--prefix', 'a', '--regex', 'b']],
    [['--prefix', '', '--yes']],
  ])('%j says not what', async (args) => {
    const fake = await start(answer);
    expect(await run(fake.socket, ['ns', 'remove', ...args])).toMatchObject({ code: 2, out: '' });
    expect(fake.requests).toEqual([]);
  });
});
