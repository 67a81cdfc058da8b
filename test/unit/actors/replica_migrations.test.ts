import { expect, test } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import { replicaFrom1 } from '../../../src/actors/replica_migrations.js';
import type { ActorRecord, MachineSnapshot } from '../../../src/core/records.js';
import { fold } from '../../../src/runtime/fold.js';
import { Runtime } from '../../../src/runtime/runtime.js';
import { Storage } from '../../../src/storage/storage.js';
import { ManualClock, cause } from '../runtime/support/bench.js';
import { eventRecord } from '../../support/event_record.js';

const onFatal = (error: unknown): never => {
  throw error;
};
const address = { kind: 'replica' as const, id: 'north' };
/** As version 1 wrote it. */
const of_version_1 = {
  node_id: 1,
  name: 'north',
  slots_max: 2,
  session: 'server-7',
  address: '10.0.0.7:40000',
  capabilities: { codecs: ['none'], stream_version_max: 2, btrfs_progs: '6.2', kernel: '6.1' },
  changed_at_ms: 1_000,
  offline_reason: '',
  queue: [
    { transfer: 't1', image: 'debian', state: 'running' },
    { transfer: 't2', image: 'debian', state: 'waiting' },
  ],
};

test.each<[string, MachineSnapshot, object]>([
  ['online', { value: 'online', context: of_version_1 }, { linked_at_ms: 1_000, reason: '' }],
  [
    'offline',
    { value: 'offline', context: { ...of_version_1, session: '', offline_reason: 'cable' } },
    { linked_at_ms: null, reason: 'cable' },
  ],
])('an %s replica of version 1 keeps its state and its queue', (state, snapshot, changed) => {
  const migrated = replicaFrom1(snapshot);
  const { offline_reason: _, ...kept } = snapshot.context as typeof of_version_1;
  expect(migrated).toEqual({ value: state, context: { ...kept, ...changed } });
});

test('a replica of version 1 goes on: its history folds to its row, and a link makes it come back', () => {
  const storage = Storage.open(':memory:');
  const clock = new ManualClock();
  const snapshot = { value: 'online', context: of_version_1 };
  const row: ActorRecord = {
    ...address,
    machine_version: 1,
    status: 'running',
    parked_reason: '',
    snapshot,
    state: 'online',
    settled: false,
    labels: { replica: 'north' },
    seq: 0,
    epoch: 0,
    created_at_ms: 1_000,
    updated_at_ms: 1_000,
  };
  storage.transaction(() => {
    storage.actors.save(row);
    const input = { node_id: 1, name: 'north', slots_max: 2 };
    const created = { event: { type: 'created', input }, cause, state: 'online', seq: 0, at_ms: 1_000 };
    storage.history.append(eventRecord({ ...address, ...created, epoch: 0, machine_version: 1 }));
  });
  const runtime = new Runtime({ storage, machines, clock, handlers: {}, onFatal });
  runtime.start();
  const rowNow = (): ActorRecord => storage.actors.load(address) as ActorRecord;
  expect(rowNow()).toMatchObject({ machine_version: 2, state: 'offline', status: 'running' });
  expect(rowNow().snapshot.context).toMatchObject({ reason: 'the master was restarted', linked_at_ms: null });
  const link = { session: 's1', address: 'a', capabilities: of_version_1.capabilities };
  runtime.deliver(address, { type: 'link.up', ...link }, cause);
  runtime.deliver(address, { type: 'keepalive.answered', session: 's1', round_trip_ms: 2 }, cause);
  const events = storage.history.events(address);
  expect(events.map(({ event }) => event.type)).toEqual([
    'created',
    'migrated',
    'restarted',
    'link.up',
    'keepalive.answered',
  ]);
  expect(rowNow().state).toBe('online');
  expect(fold(machines.replica, events)).toEqual(rowNow().snapshot);
});
