/** A database as one has it after years: thousands of settled transfers with all that happened to them. */
import BetterSqlite, { type Database } from 'better-sqlite3';
import { machines } from '../../src/actors/machines.js';
import type { TransferContext } from '../../src/actors/transfer_events.js';
import type { ActorRecord, EffectRecord } from '../../src/core/records.js';
import { Storage } from '../../src/storage/storage.js';
import { eventRecord } from './event_record.js';

export interface SettledOptions {
  readonly transfers: number;
  /** Of each transfer. */
  readonly events: number;
  /** Of one replica. */
  readonly replica_events?: number;
  /** When the first was requested, unix ms; each other one a minute later. What is old enough, a daemon prunes. */
  readonly began_ms?: number;
}

/** 2026-03-01 12:00:00 UTC. */
const noon_ms = 1_772_366_400_000;
const error = {
  code: 'LinkLost',
  message: 'the connection broke',
  operation: 'send data',
  subject: '127.0.0.1:42810',
  retryable: true,
  hint: 'look at the network between both nodes',
} as const;

function contextOf(index: number): TransferContext {
  return {
    id: `${index}-3fa9`,
    image: `vm${index % 50}`,
    number: String(index),
    replica: `replica${index % 20}`,
    codec: 'lz4',
    ssh: false,
    failures_max: 20,
    attempt: 2,
    failures: 0,
    rests: 0,
    online: true,
    from_zero: false,
    resumed_bytes: 512 * 1024 * 1024,
    link_losses: 1,
    plan: {
      uuid: 'b2f5b5c0-0000-4000-8000-000000000001',
      parent: { number: String(index - 1), uuid: 'b2f5b5c0-0000-4000-8000-000000000002' },
      reason: 'newest older snapshot that both sides hold',
      codec: 'lz4',
      stream_version: 2,
    },
    offered: true,
    last_error: error,
    outcome: { already_there: false, stream_bytes: 1024 ** 3, hash: 'e785e34696f90763' },
  } as TransferContext;
}

function actorOf(index: number, events: number, began_ms: number): ActorRecord {
  const context = contextOf(index);
  const state = ['completed', 'completed', 'completed', 'failed', 'cancelled'][index % 5] ?? 'completed';
  const created_at_ms = began_ms + index * 60_000;
  return {
    kind: 'transfer',
    id: context.id,
    machine_version: machines.transfer.version,
    status: 'running',
    parked_reason: '',
    snapshot: { value: state, context },
    state,
    settled: true,
    labels: machines.transfer.labels(context as never),
    seq: events,
    epoch: 1,
    created_at_ms,
    updated_at_ms: created_at_ms + 30_000,
  };
}

function addHistory(storage: Storage, actor: ActorRecord, events: number): void {
  const { kind, id, created_at_ms } = actor;
  for (let seq = 1; seq <= events; seq += 1) {
    const effect = `${kind}/${id}:${seq}:0`;
    const is_begin = seq % 4 === 0;
    storage.history.append(
      eventRecord({
        kind,
        id,
        seq,
        at_ms: created_at_ms + seq * 500,
        event: { type: 'send.link_lost', error, at_ms: created_at_ms },
        cause: { kind: 'effect', effect: `${kind}/${id}:${seq - 1}:0` },
        state_before: seq % 2 === 0 ? 'sending' : 'disconnected',
        state: seq % 2 === 0 ? 'disconnected' : 'sending',
        attempt: seq > events / 2 ? 2 : 1,
        guards: [{ guard: 'isOfThisAttempt', passed: true }],
        intents: is_begin ? [{ type: 'effect', effect, kind: 'send' }] : [],
        digest: '0123456789abcdef',
      }),
    );
    if (!is_begin) continue;
    const ran: EffectRecord = {
      id: effect,
      actor: { kind, id },
      seq,
      kind: 'send',
      params: { transfer: id, plan: (actor.snapshot.context as TransferContext).plan },
      status: 'done',
      epoch: 1,
      started_at_ms: created_at_ms + seq * 500,
      ended_at_ms: created_at_ms + (seq + 1) * 500,
      error: null,
    };
    storage.history.insertEffect(ran);
  }
}

/** Columns of a table that a copy of a row has its own values for. */
function columnsOf(database: Database, table: string, own: readonly string[]): string {
  const columns = database.pragma(`table_info(${table})`) as readonly { readonly name: string }[];
  return columns
    .map(({ name }) => name)
    .filter((name) => !own.includes(name))
    .join(', ');
}

/** The same columns, of the row that is copied. */
function qualified(columns: string): string {
  return columns
    .split(', ')
    .map((column) => `one.${column}`)
    .join(', ');
}

/** Gives every other transfer the history of the first, within the database: it goes through no program. */
function copyHistory(database: Database, first: string): void {
  const others = `actors WHERE actors.kind = 'transfer' AND actors.id <> '${first}'`;
  const events = columnsOf(database, 'events', ['event_id', 'id']);
  const effects = columnsOf(database, 'effects', ['effect_id', 'id']);
  database.exec(`
    INSERT INTO events (id, ${events}) SELECT actors.id, ${qualified(events)}
      FROM (SELECT * FROM events WHERE kind = 'transfer' AND id = '${first}') AS one, ${others};
    INSERT INTO effects (effect_id, id, ${effects})
      SELECT replace(one.effect_id, '${first}', actors.id), actors.id, ${qualified(effects)}
      FROM (SELECT * FROM effects WHERE kind = 'transfer' AND id = '${first}') AS one, ${others};`);
}

function addReplicaHistory(storage: Storage, count: number, began_ms: number): void {
  for (let seq = 1; seq <= count; seq += 1) {
    const is_change = seq % 10 === 0;
    const transfer = `${Math.ceil(seq / 3)}-3fa9`;
    storage.history.append(
      eventRecord({
        kind: 'replica',
        id: 'replica1',
        seq,
        at_ms: began_ms + seq * 1_000,
        event: is_change ? { type: 'keepalive.missed' } : { type: 'slot.request', transfer, image: 'vm1' },
        state_before: is_change && seq % 20 === 0 ? 'suspect' : 'online',
        state: is_change && seq % 20 !== 0 ? 'suspect' : 'online',
      }),
    );
  }
}

/** Makes the database in a file that is not there yet. */
export function makeSettledDatabase(
  file: string,
  { transfers, events, replica_events = 0, began_ms = noon_ms }: SettledOptions,
): void {
  const storage = Storage.open(file);
  try {
    storage.transaction(() => {
      for (let index = 1; index <= transfers; index += 1)
        storage.actors.save(actorOf(index, events, began_ms));
      addHistory(storage, actorOf(1, events, began_ms), events);
      addReplicaHistory(storage, replica_events, began_ms);
    });
  } finally {
    storage.close();
  }
  const database = new BetterSqlite(file);
  try {
    database.pragma('synchronous = OFF');
    database.transaction(() => copyHistory(database, contextOf(1).id))();
  } finally {
    database.close();
  }
}
