import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import type { Clock } from '../../../src/core/clock.js';
import type { ActorAddress, EventCause } from '../../../src/core/records.js';
import { Pruner } from '../../../src/daemon/pruning/pruner.js';
import { fold } from '../../../src/runtime/fold.js';
import { Runtime } from '../../../src/runtime/runtime.js';
import { Storage } from '../../../src/storage/storage.js';
import { checkHistory } from '../../support/history_check.js';

const day_ms = 86_400_000;
const cause: EventCause = { kind: 'operator', who: 'a test' };
const log = pino({ level: 'silent' });

const onFatal = (error: Error): never => {
  throw error;
};

describe('pruning', () => {
  let directory: string;
  let storage: Storage;
  let runtime: Runtime;
  let now_ms = 0;
  const clock: Clock = {
    now: () => now_ms,
    after: (delay_ms, work) => {
      // Only the short ones, which let others have their turn.
      if (delay_ms < 100) setImmediate(work);
      return () => undefined;
    },
  };
  const failure = new Error('a commit failed');
  const open = (): void => {
    storage = Storage.open(path.join(directory, 'state.db'));
    const handlers = { plan: () => Promise.reject(failure), scan: () => new Promise<never>(() => undefined) };
    runtime = new Runtime({ storage, machines, clock, handlers, onFatal });
    runtime.start();
  };
  beforeEach(() => {
    now_ms = 100 * day_ms;
    directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-pruning-'));
    open();
  });
  afterEach(async () => {
    await runtime.close();
    storage.close();
    rmSync(directory, { recursive: true });
  });

  const prune = (keep_ms: number | null) => {
    const options = { storage, machines, clock, log, keep_settled_ms: keep_ms, keep_events_ms: keep_ms };
    const pruner = new Pruner(options);
    return pruner.prune().finally(() => pruner.close());
  };
  const addTransfer = (id: string): ActorAddress => {
    const address = { kind: 'transfer', id } as const;
    const input = { id, image: 'vm1', number: '1', replica: 'r1', codec: null, ssh: false, failures_max: 1 };
    runtime.create(address, input, cause);
    return address;
  };
  const complete = (address: ActorAddress): void => {
    const outcome = { already_there: false, stream_bytes: 5, hash: 'ab' };
    runtime.deliver(address, { type: 'reception.completed', attempt: 1, outcome }, cause);
  };

  test('takes what ended long ago, and nothing that failed, is parked, or runs', async () => {
    const [old, failed, running] = ['1-a', '2-a', '3-a'].map(addTransfer) as [
      ActorAddress,
      ActorAddress,
      ActorAddress,
    ];
    const parked = addTransfer('5-a');
    complete(old);
    runtime.deliver(failed, { type: 'slot.granted' }, cause);
    await expect.poll(() => storage.actors.load(failed)?.state).toBe('failed');
    complete(parked);
    const record = storage.actors.load(parked);
    if (record === undefined) throw new Error('the parked one is gone');
    storage.transaction(() => storage.actors.save({ ...record, status: 'parked', parked_reason: 'a test' }));
    now_ms += 91 * day_ms;
    const fresh = addTransfer('4-a');
    runtime.deliver(fresh, { type: 'cancel' }, cause);

    expect(await prune(null)).toEqual({ transfers: 0, events: 0 });
    expect(await prune(90 * day_ms)).toEqual({ transfers: 1, events: 0 });
    expect(storage.actors.load(old)).toBeUndefined();
    expect(storage.history.events(old)).toEqual([]);
    expect(storage.history.effects(old)).toEqual([]);
    for (const kept of [failed, running, fresh, parked]) expect(storage.actors.load(kept)).toBeDefined();
    expect(storage.history.effects(failed)).toHaveLength(1);
    // Whoever still speaks of it finds nobody.
    complete(old);
    expect(storage.actors.load(old)).toBeUndefined();
  });

  test('of many takes all, in small steps', async () => {
    for (let count = 0; count < 120; count += 1) complete(addTransfer(`${count}-a`));
    now_ms += 91 * day_ms;
    expect(await prune(90 * day_ms)).toEqual({ transfers: 120, events: 0 });
  });

  const replica = { kind: 'replica', id: 'r1' } as const;
  const flap = (times: number): void => {
    for (let session = 1; session <= times; session += 1) {
      now_ms += 1_000;
      const link = { session: `s${session}`, address: 'a', capabilities: null };
      runtime.deliver(replica, { type: 'link.up', ...link }, cause);
      runtime.deliver(
        replica,
        { type: 'link.down', session: `s${session}`, reason: `no. ${session}` },
        cause,
      );
    }
  };

  test('makes one event of the old ones of a replica, and what is left folds to the same', async () => {
    runtime.create(replica, { node_id: 1, name: 'r1', slots_max: 2 }, cause);
    flap(100);
    now_ms += 91 * day_ms;
    flap(3);
    const before = storage.history.events(replica);
    const snapshot = storage.actors.load(replica)?.snapshot;
    expect(await prune(90 * day_ms)).toEqual({ transfers: 0, events: 200 });
    const after = storage.history.events(replica);
    expect(after.map(({ event }) => event.type)).toEqual([
      'compacted',
      ...before.slice(201).map(({ event }) => event.type),
    ]);
    expect(after.slice(1)).toEqual(before.slice(201));
    expect(after[0]).toMatchObject({ seq: 201, state: 'offline', event_id: before[200]?.event_id });
    expect(fold(machines.replica, after)).toEqual(snapshot);
    // It is as good for what comes next, and a second round finds too little.
    flap(1);
    expect(fold(machines.replica, storage.history.events(replica))).toEqual(
      storage.actors.load(replica)?.snapshot,
    );
    expect(await prune(90 * day_ms)).toEqual({ transfers: 0, events: 0 });
    now_ms += 200 * day_ms;
    flap(60);
    expect(await prune(90 * day_ms)).toEqual({ transfers: 0, events: 0 });
    now_ms += 200 * day_ms;
    expect((await prune(90 * day_ms)).events).toBeGreaterThan(100);
    await runtime.close();
    expect(checkHistory(path.join(directory, 'state.db'))).toEqual([]);
    open();
  });
});
