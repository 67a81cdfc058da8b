import { beforeEach, expect, test } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import type { KeepAliveReport } from '../../../src/daemon/keep_alive.js';
import { Fleet } from '../../../src/daemon/operations/fleet.js';
import type { ReplicaListOperations } from '../../../src/daemon/operations/operations.js';
import { replicaListOperations } from '../../../src/daemon/operations/replica_list_operations.js';
import { Runtime } from '../../../src/runtime/runtime.js';
import { Storage } from '../../../src/storage/storage.js';
import { ManualClock, cause } from '../runtime/support/bench.js';

const north = { kind: 'replica' as const, id: 'north' };
const alive: KeepAliveReport = { last_answer_at_ms: 1_000_500, round_trip_ms: 4, missed: 0 };
const capabilities = { codecs: ['none'], stream_version_max: 2, btrfs_progs: '6.2', kernel: '6.1' };

const onFatal = (error: unknown): never => {
  throw error;
};
const keepAliveOf = (node: string): KeepAliveReport | undefined => (node === 'north' ? alive : undefined);

let replicas: ReplicaListOperations;
let clock: ManualClock;

beforeEach(() => {
  const storage = Storage.open(':memory:');
  clock = new ManualClock();
  const runtime = new Runtime({ storage, machines, clock, handlers: {}, onFatal });
  runtime.start();
  // One that left the config is not told of.
  for (const [index, name] of ['north', 'south', 'gone'].entries()) {
    runtime.create({ kind: 'replica', id: name }, { node_id: index + 1, name, slots_max: 2 }, cause);
  }
  const send = (event: { type: string; [key: string]: unknown }): void => {
    clock.advance(1_000);
    runtime.deliver(north, event, cause);
  };
  send({ type: 'link.up', session: 's1', address: 'a', capabilities });
  send({ type: 'keepalive.answered', session: 's1', round_trip_ms: 4 });
  send({ type: 'slot.request', transfer: 't1', image: 'debian' });
  send({ type: 'keepalive.missed', session: 's1', tries: 1, reason: 'silent' });
  send({ type: 'link.up', session: 's2', address: 'b', capabilities });
  send({ type: 'link.up', session: 's3', address: 'c', capabilities });
  send({ type: 'keepalive.answered', session: 's1', round_trip_ms: 4 });
  send({ type: 'keepalive.answered', session: 's3', round_trip_ms: 4 });
  const fleet = new Fleet({
    name: 'master',
    storage,
    configured: new Set(['north', 'south']),
    linkTo: () => {
      throw new Error('nobody is asked');
    },
  });
  replicas = replicaListOperations({ fleet, storage, keepAliveOf });
});

test('all of them, with their states in words and what the keep-alives say', async () => {
  const [first, second, third] = await replicas.list();
  expect(third).toBeUndefined();
  await expect(replicas.get('gone')).rejects.toMatchObject({ code: 'ReplicaNotFound' });
  expect(first).toMatchObject({
    name: 'north',
    state: 'online',
    state_description: 'its control link is up and it answers keep-alives; transfers run',
    is_connected: true,
    address: 'c',
    linked_at_ms: clock.now() - 2_000,
    changed_at_ms: clock.now(),
    reason: '',
    ...alive,
    transfers_running: 1,
  });
  expect(second).toMatchObject({
    name: 'south',
    state: 'offline',
    is_connected: false,
    changed_at_ms: null,
    linked_at_ms: null,
    reason: 'it has not connected yet',
    last_answer_at_ms: null,
    round_trip_ms: null,
    missed: 0,
  });
});

test('one by its name or number', async () => {
  expect((await replicas.get('north')).node_id).toBe(1);
  expect((await replicas.get('2')).name).toBe('south');
  await expect(replicas.get('west')).rejects.toMatchObject({ code: 'ReplicaNotFound' });
  await expect(replicas.history('west', {})).rejects.toMatchObject({ code: 'ReplicaNotFound' });
});

test('its history, all of it, only the changes, or only the end', async () => {
  const all = await replicas.history('north', {});
  expect(all.events.map(({ event }) => event.type)).toEqual([
    'created',
    'link.up',
    'keepalive.answered',
    'slot.request',
    'keepalive.missed',
    'link.up',
    'link.up',
    'keepalive.answered',
    'keepalive.answered',
  ]);
  expect([all.replica.state, all.omitted]).toEqual(['online', 0]);
  const changes = await replicas.history('1', { changes: true });
  expect(changes.events.map(({ state }) => state)).toEqual([
    'offline',
    'back',
    'online',
    'suspect',
    'back',
    'back',
    'online',
  ]);
  const end = await replicas.history('1', { changes: true, limit: 2 });
  expect([end.events.map(({ state }) => state), end.omitted]).toEqual([['back', 'online'], 5]);
});
