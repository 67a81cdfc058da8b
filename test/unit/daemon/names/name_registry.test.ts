import { beforeEach, describe, expect, test } from 'vitest';
import type { NameCaller } from '../../../../src/core/name_service.js';
import { startAutoClean } from '../../../../src/daemon/names/auto_clean.js';
import { names_per_node_max, removed_names_max } from '../../../../src/daemon/names/name_registry.js';
import { type NameBench, address, master, nameBench, operator, r1, r2 } from './registry_support.js';

let bench: NameBench;
beforeEach(() => {
  bench = nameBench();
});

const own = 'icbdrep.nameserver';
const add = (caller: NameCaller, name: string, more: object = {}) =>
  bench.registry.register(caller, { name, address, ...more });
const listed = (filter = {}): string[] => bench.registry.list(filter).map(({ name }) => name);
const error = (code: string, text = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(text), hint: expect.stringMatching(/./) });

describe('a name', () => {
  test('is told of as it was registered, and replaced by its owner', () => {
    const first = add(r1, 'vm.a', { metadata: ['z', 'a', 'z'], lease_s: 60 });
    expect(first).toEqual({
      name: 'vm.a',
      address,
      metadata: ['a', 'z'],
      owner: 'r1',
      lease_s: 60,
      registered_at_ms: bench.clock.now(),
      renewed_at_ms: bench.clock.now(),
      expires_at_ms: bench.clock.now() + 60_000,
      state: 'reachable',
      state_at_ms: bench.clock.now(),
      state_reason: '',
    });
    expect(bench.registry.lookup('vm.a')).toEqual(first);
    bench.clock.pass(5);
    add(r1, 'vm.a', { address: '10.0.0.6:80' });
    expect(bench.registry.lookup('vm.a')).toMatchObject({
      address: '10.0.0.6:80',
      metadata: [],
      lease_s: null,
    });
    expect(bench.registry.ping()).toMatchObject({ node: 'names', address: 'ws://127.0.0.1:9409', names: 2 });
  });

  test('that is not there is an error', () => {
    expect(() => bench.registry.lookup('vm.a')).toThrow(error('NameNotFound', 'there is no name vm.a'));
    expect(() => bench.registry.remove(r1, { name: 'vm.a' })).toThrow(error('NameNotFound'));
    expect(() => bench.registry.setMetadata(r1, 'vm.a', [])).toThrow(error('NameNotFound'));
  });

  test('is not taken twice by a safe registration, whoever owns it', () => {
    add(r1, 'vm.a', { safe: true });
    for (const caller of [r1, r2, operator]) {
      expect(() => add(caller, 'vm.a', { safe: true })).toThrow(error('NameAlreadyRegistered', 'by r1'));
    }
    expect(() => add(r2, own, { safe: true })).toThrow(error('NameAlreadyRegistered'));
  });

  test('belongs to who registered it; operators may change all', () => {
    add(r1, 'vm.a');
    expect(() => add(r2, 'vm.a')).toThrow(error('NotPermitted', 'belongs to r1'));
    expect(() => bench.registry.remove(r2, { name: 'vm.a' })).toThrow(error('NotPermitted'));
    expect(() => bench.registry.setMetadata(r2, 'vm.a', ['x'])).toThrow(error('NotPermitted'));
    expect(bench.registry.setMetadata(operator, 'vm.a', ['x'])).toMatchObject({
      owner: 'r1',
      metadata: ['x'],
    });
    expect(add(operator, 'vm.a')).toMatchObject({ owner: 'operator' });
    expect(() => add(r1, 'vm.a')).toThrow(error('NotPermitted', 'belongs to operator'));
    expect(bench.registry.remove(operator, { name: 'vm.a' })).toEqual({ removed: 1, names: ['vm.a'] });
  });

  test('of a master or replica is kept for it', () => {
    expect(() => add(r1, 'icbdrep.master')).toThrow(error('NotPermitted', 'kept for masters'));
    expect(() => add(r1, 'icbdrep.replica.r2')).toThrow(error('NotPermitted', 'kept for the replica r2'));
    add(master, 'icbdrep.master');
    add(master, 'icbdrep.replica.r1');
    expect(add(r1, 'icbdrep.replica.r1')).toMatchObject({ owner: 'r1' });
    // Another machine became the master.
    expect(add({ node: 'm2', role: 'master' }, 'icbdrep.master')).toMatchObject({ owner: 'm2' });
    expect(bench.registry.remove(master, { name: 'icbdrep.replica.r1' }).removed).toBe(1);
  });

  test('cannot be owned by a node that has the name of operators', () => {
    expect(() => add({ node: 'operator', role: 'replica' }, 'vm.a')).toThrow(
      error('NotPermitted', 'operator'),
    );
  });

  test.each([
    ['', 'is empty'],
    ['two words', 'space'],
    ['..', 'not a word'],
    ['tab\t', 'control'],
    ['ä'.repeat(128), '255 bytes'],
    ['half \ud800', 'Unicode'],
  ])('%j is none', (name, why) => {
    expect(() => add(r1, name)).toThrow(error('InvalidArgument', why));
    expect(() => bench.registry.lookup(name)).toThrow(error('InvalidArgument'));
  });

  test.each([
    'nowhere',
    '',
    'host:',
    'host:99999',
    ':80',
    'ws://',
    'ws:x',
    'http://a b',
    `x:${'y'.repeat(2_048)}`,
  ])('has no address %j', (wrong) => {
    expect(() => add(r1, 'vm.a', { address: wrong })).toThrow(error('InvalidArgument', 'the address'));
  });

  test.each(['host:80', '[::1]:9410', '10.1.2.3:1', 'wss://h.example:9410/', 'https://h/x', 'urn:a:b'])(
    'has the address %j',
    (right) => {
      expect(add(r1, 'vm.a', { address: right }).address).toBe(right);
    },
  );

  test('has metadata and a lease within bounds', () => {
    const words = Array.from({ length: 65 }, (_, index) => `w${index}`);
    expect(() => add(r1, 'vm.a', { metadata: words })).toThrow(error('InvalidArgument', 'more than 64'));
    expect(() => add(r1, 'vm.a', { metadata: [''] })).toThrow(error('InvalidArgument'));
    expect(() => add(r1, 'vm.a', { metadata: ['x'.repeat(256)] })).toThrow(error('InvalidArgument'));
    for (const lease_s of [0, 1.5, -1, 1e9, Number.NaN]) {
      expect(() => add(r1, 'vm.a', { lease_s })).toThrow(error('InvalidArgument', 'lease'));
    }
    expect(listed()).toEqual([own]);
  });

  test('is one of so many that a node may own', () => {
    bench.storage.transaction(() => {
      const report = bench.registry.lookup(own);
      for (let index = 0; index < names_per_node_max; index += 1) {
        bench.storage.names.save({ ...report, name: `n${index}`, owner: 'r1' });
      }
    });
    expect(() => add(r1, 'one.more')).toThrow(error('NotAllowedNow', 'names already'));
    expect(add(r1, 'n5').name).toBe('n5');
    expect(add(r2, 'one.more').name).toBe('one.more');
  });
});

describe('lists', () => {
  beforeEach(() => {
    add(r1, 'vm.b', { metadata: ['fast', 'big'] });
    add(r1, 'vm.a', { metadata: ['fast'] });
    add(r2, 'vm.', { metadata: ['old'] });
    add(r2, 'vn', {});
    add(r2, 'ω.1', {});
    add(r2, '😀.1', {});
    add(r2, '\uffee', {});
  });

  test('are in the order of bytes, and have the server in them', () => {
    expect(listed()).toEqual([own, 'vm.', 'vm.a', 'vm.b', 'vn', 'ω.1', '\uffee', '😀.1']);
  });

  test('by prefix, which is no pattern', () => {
    expect(listed({ prefix: 'vm.' })).toEqual(['vm.', 'vm.a', 'vm.b']);
    expect(listed({ prefix: 'vm.a' })).toEqual(['vm.a']);
    expect(listed({ prefix: '😀' })).toEqual(['😀.1']);
    expect(listed({ prefix: '%' })).toEqual([]);
    expect(listed({ prefix: '' })).toHaveLength(8);
  });

  test('by expression, from the start of the name', () => {
    expect(listed({ regex: 'm' })).toEqual([]);
    expect(listed({ regex: '.m' })).toEqual(['vm.', 'vm.a', 'vm.b']);
    expect(listed({ regex: 'vm\\.[ab]$' })).toEqual(['vm.a', 'vm.b']);
    expect(listed({ regex: 'vm|ω' })).toEqual(['vm.', 'vm.a', 'vm.b', 'ω.1']);
    expect(listed({ regex: '' })).toHaveLength(8);
  });

  test('by metadata, alone and with a filter', () => {
    expect(listed({ metadata_all: ['fast'] })).toEqual(['vm.a', 'vm.b']);
    expect(listed({ metadata_all: ['fast', 'big'] })).toEqual(['vm.b']);
    expect(listed({ metadata_any: ['old', 'big', 'none'] })).toEqual(['vm.', 'vm.b']);
    expect(listed({ metadata_any: ['old', 'big'], prefix: 'vm.b' })).toEqual(['vm.b']);
    expect(listed({ metadata_any: [], metadata_all: [] })).toHaveLength(8);
  });

  test('by one filter at a time', () => {
    expect(() => listed({ prefix: 'a', regex: 'b' })).toThrow(error('InvalidArgument', 'one filter'));
    expect(() => listed({ metadata_all: ['a'], metadata_any: ['b'] })).toThrow(error('InvalidArgument'));
  });
});

describe('removal', () => {
  beforeEach(() => {
    for (const name of ['vm.1', 'vm.2', 'vm.10']) add(r1, name);
    add(r2, 'vm.3');
  });

  test('by prefix takes what the caller may remove, and counts only that', () => {
    expect(bench.registry.remove(r1, { prefix: 'vm.1' })).toEqual({ removed: 2, names: ['vm.1', 'vm.10'] });
    expect(bench.registry.remove(r1, { prefix: 'vm' })).toEqual({ removed: 1, names: ['vm.2'] });
    expect(bench.registry.remove(r1, { prefix: 'vm' })).toEqual({ removed: 0, names: [] });
    expect(listed()).toEqual([own, 'vm.3']);
  });

  test('by expression', () => {
    expect(bench.registry.remove(operator, { regex: 'vm\\.\\d$' }).names).toEqual(['vm.1', 'vm.2', 'vm.3']);
  });

  test('never takes the own entry of the server', () => {
    expect(bench.registry.remove(operator, { regex: '.*' }).removed).toBe(4);
    expect(bench.registry.remove(operator, { prefix: 'icbdrep' }).removed).toBe(0);
    for (const caller of [operator, master, { node: 'names', role: 'replica' } as const]) {
      expect(() => bench.registry.remove(caller, { name: own })).toThrow(error('NotPermitted', 'own entry'));
      expect(() => add(caller, own)).toThrow(error('NotPermitted', 'own entry'));
      expect(() => bench.registry.setMetadata(caller, own, ['x'])).toThrow(error('NotPermitted'));
    }
    bench.clock.pass(1e6);
    expect(bench.registry.clean()).toEqual([]);
    expect(listed()).toEqual([own]);
  });

  test('is by exactly one thing, and not by everything by mistake', () => {
    for (const removal of [{}, { prefix: '' }, { name: 'vm.1', prefix: 'vm' }, { regex: '' }, { name: '' }]) {
      expect(() => bench.registry.remove(operator, removal)).toThrow(error('InvalidArgument', 'a removal'));
    }
    expect(listed()).toHaveLength(5);
  });

  test('is remembered, with the time and who it was', () => {
    bench.registry.remove(r1, { name: 'vm.1' });
    bench.clock.pass(1);
    bench.registry.remove(operator, { name: 'vm.3' });
    expect(bench.registry.removed()).toEqual([
      {
        name: 'vm.3',
        address,
        owner: 'r2',
        removed_at_ms: bench.clock.now(),
        reason: 'removed by an operator',
      },
      {
        name: 'vm.1',
        address,
        owner: 'r1',
        removed_at_ms: bench.clock.now() - 1_000,
        reason: 'removed by r1',
      },
    ]);
    expect(bench.registry.removed(1)).toHaveLength(1);
  });

  test('is remembered of the last ones only', () => {
    const { storage } = bench;
    const one = { name: 'x', address, owner: 'r1', removed_at_ms: 1, reason: '' };
    storage.transaction(() => {
      for (let index = 0; index < removed_names_max + 5; index += 1) {
        storage.names.addRemoved({ ...one, name: `x${index}` }, removed_names_max);
      }
    });
    const kept = bench.registry.removed(1e9);
    expect([kept.length, kept[0]?.name, kept.at(-1)?.name]).toEqual([removed_names_max, 'x10004', 'x5']);
  });
});

describe('leases', () => {
  test('hold as long as they are renewed, all of one owner at once', () => {
    add(r1, 'b', { lease_s: 60 });
    add(r1, 'a', { lease_s: 30 });
    add(r1, 'forever');
    add(r2, 'c', { lease_s: 60 });
    bench.clock.pass(29);
    expect(bench.registry.renew(r1)).toEqual({ renewed: ['a', 'b'] });
    bench.clock.pass(29);
    expect(bench.registry.renew(r1)).toEqual({ renewed: ['a', 'b'] });
    bench.clock.pass(29);
    expect(bench.registry.clean().map(({ name }) => name)).toEqual(['c']);
    bench.clock.pass(31);
    expect(bench.registry.clean()).toEqual([
      {
        name: 'a',
        address,
        owner: 'r1',
        removed_at_ms: bench.clock.now(),
        reason: 'its lease of 30 s was not renewed',
      },
      expect.objectContaining({ name: 'b' }),
    ]);
    expect(listed()).toEqual(['forever', own]);
    expect(bench.registry.renew(r1)).toEqual({ renewed: [] });
  });

  test('get a full new period by a restart, and nothing is lost', () => {
    add(r1, 'a', { lease_s: 60, metadata: ['x'] });
    add(operator, 'b');
    bench.clock.pass(3_600);
    bench.restart();
    expect(bench.registry.clean()).toEqual([]);
    expect(listed()).toEqual(['a', 'b', own]);
    expect(bench.registry.lookup('a')).toMatchObject({
      metadata: ['x'],
      renewed_at_ms: bench.clock.now() - 3_600_000,
      expires_at_ms: bench.clock.now() + 60_000,
    });
    bench.clock.pass(60);
    expect(bench.registry.clean().map(({ name }) => name)).toEqual(['a']);
  });
});

describe('what the master found out', () => {
  const unreachable = { name: 'a', state: 'unreachable', reason: 'no answer to 3 keep-alives' } as const;

  test('stands in the report, with its beginning and reason', () => {
    add(r1, 'a');
    const since_ms = bench.clock.now() + 1_000;
    bench.clock.pass(1);
    bench.registry.report(master, unreachable);
    bench.clock.pass(1);
    bench.registry.report(master, { ...unreachable, reason: 'still none' });
    expect(bench.registry.lookup('a')).toMatchObject({
      state: 'unreachable',
      state_at_ms: since_ms,
      state_reason: 'still none',
    });
    bench.registry.report(operator, { name: 'a', state: 'reachable', reason: 'ignored' });
    expect(bench.registry.lookup('a')).toMatchObject({ state: 'reachable', state_reason: '' });
  });

  test('is for masters to say, and about names that are there', () => {
    add(r1, 'a');
    expect(() => bench.registry.report(r2, unreachable)).toThrow(error('NotPermitted'));
    bench.registry.report(master, { ...unreachable, name: 'nobody' });
    bench.registry.report(master, { ...unreachable, name: own });
    expect(bench.registry.list().map(({ state }) => state)).toEqual(['reachable', 'reachable']);
  });

  test('removes what nobody could reach for long, with the reason', () => {
    add(operator, 'a');
    bench.registry.report(master, unreachable);
    bench.clock.pass(299);
    expect(bench.registry.clean()).toEqual([]);
    bench.clock.pass(1);
    expect(bench.registry.clean()).toEqual([
      expect.objectContaining({ reason: 'could not be reached for 300 s: no answer to 3 keep-alives' }),
    ]);
  });

  test('spares what still renews itself, and what was only suspect', () => {
    add(r1, 'a', { lease_s: 60 });
    add(operator, 'b');
    bench.registry.report(master, unreachable);
    bench.registry.report(master, { name: 'b', state: 'suspect', reason: 'one keep-alive' });
    for (let minute = 0; minute < 20; minute += 1) {
      bench.clock.pass(50);
      bench.registry.renew(r1);
      expect(bench.registry.clean()).toEqual([]);
    }
    bench.clock.pass(60);
    expect(bench.registry.clean()).toEqual([
      expect.objectContaining({ reason: 'its lease of 60 s was not renewed; no answer to 3 keep-alives' }),
    ]);
  });

  test('is given a new period by a restart too: nobody could say that it is back', () => {
    add(operator, 'a');
    bench.registry.report(master, unreachable);
    bench.clock.pass(3_600);
    bench.restart();
    bench.clock.pass(299);
    expect(bench.registry.clean()).toEqual([]);
    bench.clock.pass(1);
    expect(bench.registry.clean()).toHaveLength(1);
  });
});

test('auto-clean looks after each interval until it is stopped, and after one that failed', () => {
  const { clock } = bench;
  const removed: string[] = [];
  const failed: string[] = [];
  let fails = true;
  const stop = startAutoClean({
    registry: {
      clean: () => {
        if (!fails) return bench.registry.clean();
        throw new Error('the disk');
      },
    },
    clock,
    interval_s: 10,
    onRemoved: ({ name }) => removed.push(name),
    onFailed: ({ message }) => failed.push(message),
  });
  add(r1, 'a', { lease_s: 1 });
  clock.pass(10);
  expect([removed, failed]).toEqual([[], ['the disk']]);
  fails = false;
  clock.pass(10);
  expect(removed).toEqual(['a']);
  add(r1, 'b', { lease_s: 1 });
  stop();
  clock.pass(100);
  expect(removed).toEqual(['a']);
});
