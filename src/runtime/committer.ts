/** Turns deliveries into rows: the part of the one write path that runs inside of the transaction. */
import type { MachineDefinition, MachineDefinitions } from '../actors/machines.js';
import type {
  ActorAddress,
  ActorRecord,
  EffectRecord,
  EventCause,
  EventRecord,
  OutgoingMessage,
  PlainEvent,
} from '../core/records.js';
import { created_event, migrated_event } from './fold.js';
import type { Commit, RuntimeStorage } from './ports.js';
import { type Intent, type Step, firstStep, migrateSnapshot, nextStep } from './step.js';

/** An event on its way to an actor. */
export interface Delivery {
  readonly to: ActorAddress;
  /** Absent: the delivery only makes or wakes the actor. */
  readonly event?: PlainEvent;
  readonly cause: EventCause;
  /** Input to make the actor with if there is none of this address. */
  readonly create?: unknown;
}

/** Tells within one commit; more means that actors call each other in a circle. */
const deliveries_max = 100_000;

const addressText = ({ kind, id }: ActorAddress): string => `${kind}/${id}`;

/** Collects what one transaction does; used once. */
export class Committer {
  readonly #storage: RuntimeStorage;
  readonly #machines: MachineDefinitions;
  readonly #epoch: number;
  readonly #now_ms: number;
  readonly #queue: Delivery[] = [];
  readonly #events: EventRecord[] = [];
  readonly #effects: EffectRecord[] = [];
  readonly #stopped: string[] = [];
  readonly #messages: OutgoingMessage[] = [];
  readonly #parked: ActorRecord[] = [];

  constructor(storage: RuntimeStorage, machines: MachineDefinitions, epoch: number, now_ms: number) {
    this.#storage = storage;
    this.#machines = machines;
    this.#epoch = epoch;
    this.#now_ms = now_ms;
  }

  /** Delivers, and then all that the machines tell each other on the way. */
  run(deliveries: readonly Delivery[]): Commit {
    this.#queue.push(...deliveries);
    for (let count = 0; this.#queue.length > 0; count += 1) {
      if (count > deliveries_max) throw new Error('actors tell each other events without end');
      this.#deliver(this.#queue.shift() as Delivery);
    }
    return {
      events: this.#events,
      // One that was started and stopped in the same commit never ran.
      effects: this.#effects.filter((effect) => !this.#stopped.includes(effect.id)),
      stopped: this.#stopped,
      messages: this.#messages,
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
    this.#write(record, { type: created_event, input: create }, cause, step);
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
        this.#append(current, { type: migrated_event, snapshot }, cause, true);
        this.#storage.actors.save(current);
      } catch (error) {
        return this.#park(current, `its state cannot be migrated: ${(error as Error).message}`);
      }
    }
    const cause = { kind: 'daemon', what: `start of epoch ${this.#epoch}` } as const;
    return this.#step(definition, current, { type: 'restarted', epoch: this.#epoch }, cause);
  }

  #step(
    definition: MachineDefinition,
    record: ActorRecord,
    event: PlainEvent,
    cause: EventCause,
  ): ActorRecord {
    const at = { seq: record.seq + 1, epoch: this.#epoch, updated_at_ms: this.#now_ms };
    const timed = { ...event, at_ms: this.#now_ms };
    if (record.status === 'parked') {
      const next = { ...record, ...at };
      this.#append(next, timed, cause, false);
      this.#storage.actors.save(next);
      return next;
    }
    let step: Step;
    try {
      step = nextStep(definition, record.snapshot, timed);
    } catch (error) {
      const next = { ...record, ...at };
      this.#append(next, timed, cause, false);
      return this.#park(next, `${event.type} in state ${record.state}: ${(error as Error).message}`);
    }
    const { snapshot, state, settled, labels } = step;
    const next = { ...record, ...at, snapshot, state, settled, labels };
    this.#write(next, timed, cause, step);
    return next;
  }

  #park(record: ActorRecord, reason: string): ActorRecord {
    const parked: ActorRecord = { ...record, epoch: this.#epoch, status: 'parked', parked_reason: reason };
    this.#storage.actors.save(parked);
    this.#parked.push(parked);
    return parked;
  }

  #write(record: ActorRecord, event: PlainEvent, cause: EventCause, step: Step): void {
    this.#append(record, event, cause, step.handled);
    this.#storage.actors.save(record);
    step.intents.forEach((intent, index) => this.#commitIntent(record, intent, index));
  }

  #append(record: ActorRecord, event: PlainEvent, cause: EventCause, handled: boolean): void {
    const { kind, id, seq, machine_version, state } = record;
    const at = { at_ms: this.#now_ms, epoch: this.#epoch };
    const row = { kind, id, seq, ...at, machine_version, event, cause, state, handled };
    this.#storage.history.append(row);
    this.#events.push(row);
  }

  #commitIntent(actor: ActorRecord, intent: Intent, index: number): void {
    const address = { kind: actor.kind, id: actor.id };
    const cause = { kind: 'actor', actor: addressText(address), seq: actor.seq } as const;
    switch (intent.type) {
      case 'effect': {
        const effect: EffectRecord = {
          id: `${addressText(address)}:${actor.seq}:${index}`,
          actor: address,
          seq: actor.seq,
          kind: intent.effect.kind,
          params: intent.effect.params,
          status: 'running',
          epoch: this.#epoch,
          started_at_ms: this.#now_ms,
          ended_at_ms: null,
          error: null,
        };
        this.#storage.history.insertEffect(effect);
        this.#effects.push(effect);
        return;
      }
      case 'stop':
        this.#stopped.push(...this.#storage.history.stopEffects(address, intent.stop.kind, this.#now_ms));
        return;
      case 'tell':
        this.#queue.push({ to: intent.tell.to, event: intent.tell.event, cause });
        return;
      case 'spawn': {
        const { kind, id, input } = intent.spawn;
        this.#queue.push({ to: { kind, id }, create: input, cause });
        return;
      }
      case 'message': {
        const { peer, to, create, event } = intent.message;
        const message = { peer, to, create: create ?? null, event };
        this.#messages.push(this.#storage.messages.put(message, this.#now_ms));
        return;
      }
      case 'set_timer': {
        const due_at_ms = this.#now_ms + intent.delay_ms;
        this.#storage.timers.set({ actor: address, id: intent.timer, event: intent.event, due_at_ms });
        return;
      }
      case 'cancel_timer':
        this.#storage.timers.cancel(address, intent.timer);
        return;
    }
  }
}
