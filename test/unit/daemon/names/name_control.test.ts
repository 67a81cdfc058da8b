/** The name server through the control API: client, socket, routes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ControlClient } from '../../../../src/client/control_client.js';
import { IcbdError } from '../../../../src/core/errors.js';
import type { NameService } from '../../../../src/core/name_service.js';
import { type ControlServer, startControlServer } from '../../../../src/daemon/control/server.js';
import { namesFoundBy } from '../../../../src/daemon/operations/name_operations.js';
import type { Operations } from '../../../../src/daemon/operations/operations.js';
import { silent_log } from '../control/feed_support.js';
import { type NameBench, address, nameBench, operator } from './registry_support.js';

let directory: string;
let bench: NameBench;
let server: ControlServer;
let client: ControlClient;
/** What the daemon has at the moment. */
let find: () => NameService;

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-names-'));
  bench = nameBench();
  find = () => bench.registry.as(operator);
  const socket = path.join(directory, 'control.sock');
  const operations = { names: namesFoundBy(() => find()) } as unknown as Operations;
  const control = { socket, allowed_hosts: [] };
  server = await startControlServer({ operations, feed: null, probes: null, control, log: silent_log });
  client = new ControlClient(socket);
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const code = (wanted: string) => expect.objectContaining({ code: wanted, hint: expect.stringMatching(/./) });

const listed = async (filter = {}): Promise<string[]> =>
  (await client.names.list(filter)).map(({ name }) => name);

test('every name can be asked for, whatever signs it has', async () => {
  const names = ['removed', 'a/b', 'a?b=c&d', '50%', 'ω', '...', '#', '+', 'metadata'];
  for (const name of names) {
    const made = await client.names.register({ name, address });
    expect(await client.names.lookup(name)).toEqual(made);
    expect((await client.names.setMetadata(name, ['x', 'y z'])).metadata).toEqual(['x', 'y z']);
    expect(await listed({ prefix: name })).toContain(name);
  }
  for (const name of names) {
    expect(await client.names.remove({ name })).toEqual({ removed: 1, names: [name] });
  }
  expect((await client.names.removed(4)).map(({ name }) => name)).toEqual(names.toReversed().slice(0, 4));
});

test('lists and removals go by one filter', async () => {
  await client.names.register({ name: 'vm.1', address, metadata: ['a'], lease_s: 60 });
  await client.names.register({ name: 'vm.2', address, metadata: ['a', 'b'], lease_s: null, safe: true });
  expect(await listed()).toEqual(['icbdrep.nameserver', 'vm.1', 'vm.2']);
  expect(await listed({ regex: 'vm\\.[2-9]' })).toEqual(['vm.2']);
  expect(await listed({ metadata_all: ['a', 'b'] })).toEqual(['vm.2']);
  expect(await listed({ metadata_any: ['a'] })).toEqual(['vm.1', 'vm.2']);
  expect(await client.names.remove({ regex: '.*1' })).toEqual({ removed: 1, names: ['vm.1'] });
  expect(await client.names.ping()).toMatchObject({ node: 'names', names: 2, round_trip_ms: 0 });
  for (const removal of [{}, { prefix: '' }, { name: 'vm.2', prefix: 'vm' }]) {
    await expect(client.names.remove(removal)).rejects.toThrow(
      expect.objectContaining({ code: 'InvalidArgument' }),
    );
  }
  await expect(client.names.list({ prefix: 'a', regex: 'b' })).rejects.toThrow('one filter');
  await expect(client.names.removed(0)).rejects.toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
});

test('errors arrive under their codes', async () => {
  await client.names.register({ name: 'vm.1', address });
  await expect(client.names.lookup('vm.2')).rejects.toThrow(code('NameNotFound'));
  await expect(client.names.register({ name: 'vm.1', address, safe: true })).rejects.toThrow(
    code('NameAlreadyRegistered'),
  );
  await expect(client.names.remove({ name: 'icbdrep.nameserver' })).rejects.toThrow(code('NotPermitted'));
});

test('a daemon without a name server says so, until it has one', async () => {
  const served = find;
  find = () => {
    throw new IcbdError('LinkLost', 'the name server is not connected', {
      operation: 'x',
      hint: 'is it up?',
    });
  };
  const down = expect.objectContaining({ code: 'LinkLost', hint: 'is it up?' });
  const { names } = client;
  const calls = [
    () => names.list(),
    () => names.lookup('a'),
    () => names.register({ name: 'a', address }),
    () => names.remove({ name: 'a' }),
    () => names.setMetadata('a', []),
    () => names.removed(),
    () => names.ping(),
  ];
  for (const call of calls) await expect(call()).rejects.toThrow(down);
  find = served;
  expect(await listed()).toEqual(['icbdrep.nameserver']);
});
