/** What machines ask for becomes rows, in the transaction of the event that they ask with. */
import type {
  ActorAddress,
  ActorRecord,
  EffectRecord,
  IntentRecord,
  OutgoingMessage,
} from '../core/records.js';
import type { Delivery } from './delivery.js';
import type { RuntimeStorage } from './ports.js';
import type { Intent } from './step.js';

export const addressText = ({ kind, id }: ActorAddress): string => `${kind}/${id}`;

/** When a transaction happens. */
export interface Moment {
  readonly epoch: number;
  readonly now_ms: number;
}

/** Collects what the machines have asked for in one transaction. */
export class IntentRows {
  readonly effects: EffectRecord[] = [];
  /** Ids of the effects that were stopped. */
  readonly stopped: string[] = [];
  readonly messages: OutgoingMessage[] = [];
  readonly #storage: RuntimeStorage;
  readonly #epoch: number;
  readonly #now_ms: number;
  readonly #deliver: (delivery: Delivery) => void;

  /** @param deliver takes what actors tell each other */
  constructor(storage: RuntimeStorage, { epoch, now_ms }: Moment, deliver: (delivery: Delivery) => void) {
    this.#storage = storage;
    this.#epoch = epoch;
    this.#now_ms = now_ms;
    this.#deliver = deliver;
  }

  /** @returns what the event's row says of it */
  commit(actor: ActorRecord, intent: Intent, index: number): IntentRecord {
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
        this.effects.push(effect);
        return { type: 'effect', effect: effect.id, kind: effect.kind };
      }
      case 'stop': {
        const effects = this.#storage.history.stopEffects(address, intent.stop.kind, this.#now_ms);
        this.stopped.push(...effects);
        return { type: 'stop', kind: intent.stop.kind, effects };
      }
      case 'tell': {
        const { to, event } = intent.tell;
        this.#deliver({ to, event, cause });
        return { type: 'tell', to: addressText(to), event: event.type };
      }
      case 'spawn': {
        const { kind, id, input } = intent.spawn;
        this.#deliver({ to: { kind, id }, create: input, cause });
        return { type: 'spawn', actor: addressText({ kind, id }) };
      }
      case 'message': {
        const { peer, to, create, event } = intent.message;
        const plain = { peer, to, create: create ?? null, event };
        const message = this.#storage.messages.put(plain, this.#now_ms);
        this.messages.push(message);
        return { type: 'message', message: message.id, peer, to: addressText(to), event: event.type };
      }
      case 'set_timer': {
        const due_at_ms = this.#now_ms + intent.delay_ms;
        this.#storage.timers.set({ actor: address, id: intent.timer, event: intent.event, due_at_ms });
        return { type: 'timer', timer: intent.timer, due_at_ms };
      }
      case 'cancel_timer':
        this.#storage.timers.cancel(address, intent.timer);
        return { type: 'cancel_timer', timer: intent.timer };
    }
  }

  /** Ends what an actor that is parked no longer does, and what it waits for. */
  drop(actor: ActorAddress): void {
    const { history, timers } = this.#storage;
    const running = history.effects(actor).filter(({ status }) => status === 'running');
    for (const kind of new Set(running.map((effect) => effect.kind))) {
      this.stopped.push(...history.stopEffects(actor, kind, this.#now_ms));
    }
    for (const timer of timers.ofActor(actor)) timers.cancel(actor, timer.id);
  }
}
