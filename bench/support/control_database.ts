/** A state database as a master has it after years: settled transfers with long histories. */
import { machines } from '../../src/actors/machines.js';
import type {
  ActorAddress,
  ActorRecord,
  EffectRecord,
  EventCause,
  EventRecord,
  PlainEvent,
} from '../../src/core/records.js';
import { system_clock } from '../../src/daemon/system_clock.js';
import type { EffectHandler } from '../../src/runtime/ports.js';
import { Runtime } from '../../src/runtime/runtime.js';
import { Storage } from '../../src/storage/storage.js';

/** One real transfer, with all its rows. */
interface Template {
  readonly actor: ActorRecord;
  readonly events: readonly EventRecord[];
  readonly effects: readonly EffectRecord[];
}

const cause: EventCause = { kind: 'operator', who: 'local operator' };
const address: ActorAddress = { kind: 'transfer', id: 'TRANSFER' };
const lost = {
  code: 'LinkLost',
  message: 'the link was lost: no answer to 3 keep-alives over 31 s; the last answer came 41 s ago',
  operation: 'send',
  subject: 'TRANSFER',
  retryable: true,
  hint: 'nothing to do: it goes on when the replica is back',
};
const conflict = {
  ...lost,
  code: 'SnapshotConflict',
  message: 'the replica holds another snapshot',
  retryable: false,
};
const result = {
  uuid: '4b1c7a52-93f0-4d11-8f0e-5b6f0a4f1c11',
  parent: { number: '41', uuid: '0d5a2f6e-77c4-4a5e-9f37-2f1f6f0b9f10' },
  reason: 'newest older snapshot that both sides hold',
  codec: 'zstd',
  stream_version: 2,
};
const outcome = { already_there: false, stream_bytes: 8_589_934_592, hash: '9f2c4a1d55e07b36' };

const never: EffectHandler = (_effect, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

/** Lets the machine itself make a history of `count` events that ends as wanted. */
async function makeTemplate(count: number, ends: 'completed' | 'failed'): Promise<Template> {
  const storage = Storage.open(':memory:');
  const runtime = new Runtime({
    storage,
    machines,
    clock: system_clock,
    handlers: { plan: never, send: never },
    onFatal: (error) => {
      throw error;
    },
  });
  runtime.start();
  const deliver = (event: PlainEvent): void => void runtime.deliver(address, event, cause);
  const input = { id: address.id, image: 'IMAGE', number: 'NUMBER', replica: 'REPLICA', codec: null };
  runtime.create(address, { ...input, ssh: false, failures_max: 10 }, cause);
  deliver({ type: 'slot.granted' });
  deliver({ type: 'plan.done', result });
  deliver({ type: 'reception.ready', attempt: 1, resume_bytes: 0 });
  while (storage.history.countEvents(address) < count - 1) {
    const turns: PlainEvent[] = [
      { type: 'send.begun', offset_bytes: 1_073_741_824, is_live: true },
      { type: 'send.link_lost', error: lost },
      { type: 'replica.offline', reason: lost.message },
      { type: 'replica.online' },
    ];
    for (const turn of turns) if (storage.history.countEvents(address) < count - 1) deliver(turn);
  }
  if (ends === 'completed') deliver({ type: 'reception.completed', attempt: 1, outcome });
  else deliver({ type: 'reception.failed', attempt: 1, error: conflict });
  const actor = storage.actors.load(address);
  if (actor?.state !== ends) throw new Error(`the transfer is ${actor?.state}, not ${ends}`);
  const made = { actor, events: storage.history.events(address), effects: storage.history.effects(address) };
  await runtime.close();
  storage.close();
  return made;
}

export interface ControlDatabase {
  readonly transfers: number;
  readonly events: number;
  readonly size_mb: number;
}

/**
 * Writes `transfers` settled transfers of `events_each` events, one in fifty of them failed, over the last 90 days.
 * @param file path of a new database
 */
export async function fillDatabase(
  file: string,
  {
    transfers,
    events_each,
    images,
    replicas,
  }: {
    readonly transfers: number;
    readonly events_each: number;
    readonly images: readonly string[];
    readonly replicas: readonly string[];
  },
): Promise<ControlDatabase> {
  const templates = {
    completed: JSON.stringify(await makeTemplate(events_each, 'completed')),
    failed: JSON.stringify(await makeTemplate(events_each, 'failed')),
  };
  const storage = Storage.open(file);
  const begin_ms = Date.now() - 80 * 24 * 3_600_000;
  const spacing_ms = (79 * 24 * 3_600_000) / transfers;
  const write = (index: number): void => {
    const text = templates[index % 50 === 7 ? 'failed' : 'completed']
      .replaceAll('TRANSFER', `${index + 1}-be4c`)
      .replaceAll('IMAGE', images[index % images.length] ?? '')
      .replaceAll('NUMBER', String(1 + Math.floor(index / images.length)))
      .replaceAll('REPLICA', replicas[Math.floor(index / images.length) % replicas.length] ?? '');
    const { actor, events, effects } = JSON.parse(text) as Template;
    const shift_ms = Math.round(begin_ms + index * spacing_ms) - actor.created_at_ms;
    const created_at_ms = actor.created_at_ms + shift_ms;
    storage.actors.save({ ...actor, created_at_ms, updated_at_ms: created_at_ms + events.length * 15_000 });
    for (const [position, { event_id: _event_id, ...event }] of events.entries()) {
      storage.history.append({ ...event, at_ms: created_at_ms + position * 15_000 });
    }
    for (const effect of effects) storage.history.insertEffect({ ...effect, started_at_ms: created_at_ms });
  };
  for (let from = 0; from < transfers; from += 500) {
    storage.quickTransaction(() => {
      for (let index = from; index < Math.min(from + 500, transfers); index += 1) write(index);
    });
  }
  const size_mb = storage.sizeBytes() / 1024 / 1024;
  const events = storage.history.lastEventId();
  storage.close();
  return { transfers, events, size_mb };
}
