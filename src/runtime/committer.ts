/** Turns deliveries into rows: the part of the one write path that runs inside of the transaction. */
import type { MachineDefinition, MachineDefinitions } from '../actors/machines.js';
import type { ActorRecord, EventCause, EventRecord, IntentRecord, PlainEvent } from '../core/records.js';
import type { Delivery } from './delivery.js';
import { digestOf } from './digest.js';
import { created_event, migrated_event, unparked_event } from './fold.js';
import { IntentRows, addressText } from './intent_rows.js';
import type { Commit, RuntimeStorage } from './ports.js';
import { type Step, firstStep, migrateSnapshot, nextStep } from './step.js';

/** An event, and the actor as it is after it. */
interface Happened {
  readonly record: ActorRecord;
  readonly event: PlainEvent;
  readonly cause: EventCause;
  readonly state_before: string;
}

const unguarded = { handled: true, ignored_reason: '', guards: [] } as const;
const ignored = (ignored_reason: string) => ({ handled: false, ignored_reason, guards: [] }) as const;

/** Tells within one commit; more means that actors call each other in a circle. */
const deliveries_max = 100_000;

/** Collects what one transaction does. */
export class Committer {
  readonly #storage: RuntimeStorage;
  readonly #machines: MachineDefinitions;
  readonly #epoch: number;
  readonly #now_ms: number;
  readonly #queue: Delivery[] = [];
  readonly #events: EventRecord[] = [];
  readonly #asked: IntentRows;
  readonly #parked: ActorRecord[] = [];

  constructor(storage: RuntimeStorage, machines: MachineDefinitions, epoch: number, now_ms: number) {
    this.#storage = storage;
    this.#machines = machines;
    this.#epoch = epoch;
    this.#now_ms = now_ms;
    this.#asked = new IntentRows(storage, { epoch, now_ms }, (delivery) => this.#queue.push(delivery));
  }

  /** Delivers, and then all that the machines tell each other on the way. */
  run(deliveries: readonly Delivery[]): void {
    this.#queue.push(...deliveries);
    for (let count = 0; this.#queue.length > 0; count += 1) {
      if (count > deliveries_max) throw new Error('actors tell each other events without end');
      this.#deliver(this.#queue.shift() as Delivery);
    }
  }

  /** All that has come of it so far. */
  commit(): Commit {
    const { effects, stopped, messages } = this.#asked;
    const unwanted = new Set(stopped);
    return {
      events: this.#events,
      // One that was started and stopped in the same commit never ran.
      effects: effects.filter((effect) => !unwanted.has(effect.id)),
      stopped,
      messages,
      parked: this.#parked,
    };
  }

  #deliver(delivery: Delivery): void {
    const definition = this.#machines[delivery.to.kind];
    let record = this.#storage.actors.load(delivery.to);
    if (record === undefined) {
      if (delivery.create === undefined || delivery.create === null) return;
      record = this.#create(definition, delivery);
    }
    record = this.#wake(definition, record);
    if (delivery.unpark !== undefined && record.status === 'parked') {
      record = this.#unpark(definition, record, delivery.unpark, delivery.cause);
    }
    if (delivery.event !== undefined) this.#step(definition, record, delivery.event, delivery.cause);
  }

  #create(definition: MachineDefinition, { to, create, cause }: Delivery): ActorRecord {
    const step = firstStep(definition, create);
    const record: ActorRecord = {
      kind: to.kind,
      id: to.id,
      machine_version: definition.version,
      status: 'running',
      parked_reason: '',
      snapshot: step.snapshot,
      state: step.state,
      settled: step.settled,
      labels: step.labels,
      seq: 1,
      epoch: this.#epoch,
      created_at_ms: this.#now_ms,
      updated_at_ms: this.#now_ms,
    };
    this.#write({ record, event: { type: created_event, input: create }, cause, state_before: '' }, step);
    return record;
  }

  /** Brings an actor that has not been touched in this epoch up to date: migration first, then `restarted`. */
  #wake(definition: MachineDefinition, record: ActorRecord): ActorRecord {
    if (record.epoch === this.#epoch || record.status === 'parked') return record;
    let current = record;
    if (current.machine_version !== definition.version) {
      try {
        const snapshot = migrateSnapshot(definition, current.machine_version, current.snapshot);
        current = {
          ...current,
          snapshot,
          machine_version: definition.version,
          seq: current.seq + 1,
          updated_at_ms: this.#now_ms,
        };
        const cause = { kind: 'daemon', what: 'a new version of the machine' } as const;
        const event = { type: migrated_event, snapshot };
        this.#append({ record: current, event, cause, state_before: record.state }, unguarded);
        this.#storage.actors.save(current);
      } catch (error) {
        return this.#park(current, `its state cannot be migrated: ${(error as Error).message}`);
      }
    }
    const cause = { kind: 'daemon', what: `start of epoch ${this.#epoch}` } as const;
    return this.#step(definition, current, { type: 'restarted', epoch: this.#epoch }, cause);
  }

  /** Lets a parked actor go on; one whose state cannot be migrated, or that throws again, is parked again. */
  #unpark(
    definition: MachineDefinition,
    record: ActorRecord,
    fields: Readonly<Record<string, unknown>>,
    cause: EventCause,
  ): ActorRecord {
    const at = { seq: record.seq + 1, epoch: this.#epoch, updated_at_ms: this.#now_ms };
    const { machine_version, state: state_before } = record;
    let { snapshot } = record;
    try {
      snapshot = migrateSnapshot(definition, machine_version, snapshot);
    } catch (error) {
      const reason = `its state cannot be migrated: ${(error as Error).message}`;
      const next = { ...record, ...at };
      const happened = { record: next, event: { type: unparked_event }, cause, state_before };
      this.#append(happened, ignored(reason));
      return this.#park(next, reason);
    }
    const is_migrated = machine_version !== definition.version;
    const running: ActorRecord = {
      ...record,
      ...at,
      snapshot,
      machine_version: definition.version,
      status: 'running',
      parked_reason: '',
    };
    const event = is_migrated ? { type: unparked_event, snapshot } : { type: unparked_event };
    this.#append({ record: running, event, cause, state_before }, unguarded);
    this.#storage.actors.save(running);
    const woken = { ...fields, type: definition.woken_event, epoch: this.#epoch };
    return this.#step(definition, running, woken, cause);
  }

  #step(
    definition: MachineDefinition,
    record: ActorRecord,
    event: PlainEvent,
    cause: EventCause,
  ): ActorRecord {
    const at = { seq: record.seq + 1, epoch: this.#epoch, updated_at_ms: this.#now_ms };
    const happened = { event: { ...event, at_ms: this.#now_ms }, cause, state_before: record.state };
    if (record.status === 'parked') {
      const next = { ...record, ...at };
      this.#append({ ...happened, record: next }, ignored(`the actor is parked: ${record.parked_reason}`));
      this.#storage.actors.save(next);
      return next;
    }
    let step: Step;
    try {
      step = nextStep(definition, record.snapshot, happened.event);
    } catch (error) {
      const next = { ...record, ...at };
      const reason = `${event.type} in state ${record.state}: ${(error as Error).message}`;
      this.#append({ ...happened, record: next }, ignored(reason));
      return this.#park(next, reason);
    }
    const { snapshot, state, settled, labels } = step;
    const next = { ...record, ...at, snapshot, state, settled, labels };
    this.#write({ ...happened, record: next }, step);
    return next;
  }

  #park(record: ActorRecord, reason: string): ActorRecord {
    const parked: ActorRecord = { ...record, epoch: this.#epoch, status: 'parked', parked_reason: reason };
    this.#storage.actors.save(parked);
    this.#parked.push(parked);
    this.#leave(parked);
    return parked;
  }

  /** What a parked actor no longer does, and no longer holds. */
  #leave(record: ActorRecord): void {
    this.#asked.drop(record);
    const cause = { kind: 'actor', actor: addressText(record), seq: record.seq } as const;
    for (const { to, event } of this.#machines[record.kind].when_parked(record)) {
      this.#queue.push({ to, event, cause });
    }
  }

  #write(happened: Happened, step: Step): void {
    const { record } = happened;
    const intents = step.intents.map((intent, index) => this.#asked.commit(record, intent, index));
    this.#append(happened, step, intents);
    this.#storage.actors.save(record);
  }

  #append(
    { record, event, cause, state_before }: Happened,
    asked: Pick<Step, 'handled' | 'ignored_reason' | 'guards'>,
    intents: readonly IntentRecord[] = [],
  ): void {
    const { kind, id, seq, machine_version, state, snapshot } = record;
    const { handled, ignored_reason, guards } = asked;
    const row = this.#storage.history.append({
      kind,
      id,
      seq,
      at_ms: this.#now_ms,
      epoch: this.#epoch,
      machine_version,
      event,
      cause,
      state_before,
      state,
      attempt: this.#attemptOf(record),
      handled,
      ignored_reason,
      guards,
      intents,
      digest: digestOf(snapshot),
    });
    this.#events.push(row);
  }

  #attemptOf({ kind, snapshot }: ActorRecord): number {
    try {
      return this.#machines[kind].attempt(snapshot.context as never);
    } catch {
      // One that is parked may hold anything.
      return 0;
    }
  }
}
