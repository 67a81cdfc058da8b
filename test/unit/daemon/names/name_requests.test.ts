import { beforeEach, describe, expect, test } from 'vitest';
import type { NameCaller } from '../../../../src/core/name_service.js';
import { answerNameRequest, isNameMethod } from '../../../../src/daemon/names/name_requests.js';
import { type NameBench, address, master, nameBench, r1, r2 } from './registry_support.js';

let bench: NameBench;
beforeEach(() => {
  bench = nameBench();
});

const ask = (caller: NameCaller, method: string, params: unknown): Promise<unknown> =>
  answerNameRequest(bench.registry, caller, { method, params });

describe('requests of nodes', () => {
  test('do what the name server does, as the node that asks', async () => {
    const made = await ask(r1, 'names.register', { name: 'vm.a', address, lease_s: 60, metadata: ['x'] });
    expect(made).toMatchObject({ name: 'vm.a', owner: 'r1', lease_s: 60 });
    expect(await ask(r2, 'names.lookup', { name: 'vm.a' })).toEqual(made);
    expect(await ask(r1, 'names.renew', {})).toEqual({ renewed: ['vm.a'] });
    expect(await ask(r2, 'names.renew', null)).toEqual({ renewed: [] });
    expect(await ask(r2, 'names.list', { metadata_any: ['x'] })).toEqual([made]);
    expect(await ask(r1, 'names.metadata', { name: 'vm.a', metadata: ['y'] })).toMatchObject({
      metadata: ['y'],
    });
    expect(await ask(master, 'names.report', { name: 'vm.a', state: 'suspect', reason: 'late' })).toBeNull();
    expect(await ask(r2, 'names.list', { regex: 'vm' })).toMatchObject([
      { state: 'suspect', metadata: ['y'] },
    ]);
    expect(await ask(r1, 'names.remove', { name: 'vm.a' })).toEqual({ removed: 1, names: ['vm.a'] });
    expect(await ask(r2, 'names.removed', {})).toMatchObject([{ name: 'vm.a', reason: 'removed by r1' }]);
    expect(await ask(r2, 'names.ping', {})).toEqual({
      node: 'names',
      address: 'ws://127.0.0.1:9409',
      names: 1,
      started_at_ms: bench.clock.now(),
    });
  });

  test('have no more rights than the node', async () => {
    await ask(r1, 'names.register', { name: 'vm.a', address });
    const refused = expect.objectContaining({ code: 'NotPermitted' });
    await expect(ask(r2, 'names.remove', { name: 'vm.a' })).rejects.toThrow(refused);
    await expect(ask(r2, 'names.register', { name: 'vm.a', address })).rejects.toThrow(refused);
    await expect(ask(r2, 'names.report', { name: 'vm.a', state: 'suspect', reason: '' })).rejects.toThrow(
      refused,
    );
    expect(await ask(r2, 'names.remove', { prefix: 'vm' })).toEqual({ removed: 0, names: [] });
  });

  test.each([
    ['names.register', null],
    ['names.register', { name: 'a' }],
    ['names.register', { name: 'a', address, owner: 'r2' }],
    ['names.register', { name: 7, address }],
    ['names.lookup', {}],
    ['names.list', { prefix: 7 }],
    ['names.list', { metadata_all: 'x' }],
    ['names.renew', { node: 'r2' }],
    ['names.report', { name: 'a', state: 'gone', reason: '' }],
    ['names.removed', { limit: 0 }],
    ['names.steal', {}],
    ['toString', {}],
  ])('%s of %j is no request', async (method, params) => {
    await expect(ask(master, method, params)).rejects.toThrow(
      expect.objectContaining({ code: 'InvalidMessage', subject: method }),
    );
  });

  test('are known by their methods', () => {
    expect(['names.list', 'names.ping', 'ping', 'names.', 'constructor'].map(isNameMethod)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
