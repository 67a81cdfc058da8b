import { machines } from '../../../src/actors/machines.js';
import type { ErrorCode, ErrorReport } from '../../../src/core/errors.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { ActorKind, MachineSnapshot, PlainEvent } from '../../../src/core/records.js';
import { type Intent, type Step, firstStep, nextStep } from '../../../src/runtime/step.js';

/** An intent in one word each: `effect plan`, `message transfer.offer`. */
export function brief(intent: Intent): string {
  switch (intent.type) {
    case 'effect':
      return `effect ${intent.effect.kind}`;
    case 'stop':
      return `stop ${intent.stop.kind}`;
    case 'tell':
      return `tell ${intent.tell.to.kind} ${intent.tell.event.type}`;
    case 'spawn':
      return `spawn ${intent.spawn.kind}`;
    case 'message':
      return `message ${intent.message.event.type}`;
    case 'set_timer':
      return `timer ${intent.delay_ms}`;
    case 'cancel_timer':
      return 'cancel timer';
  }
}

/** One actor without a runtime: its state goes through JSON between steps, as it does in the database. */
export class Driven {
  step: Step;
  readonly kind: ActorKind;

  constructor(kind: ActorKind, input: unknown) {
    this.kind = kind;
    this.step = firstStep(machines[kind], input);
  }

  get state(): string {
    return this.step.state;
  }

  get context(): Record<string, unknown> {
    return this.step.snapshot.context as Record<string, unknown>;
  }

  get intents(): string[] {
    return this.step.intents.map(brief);
  }

  send(...events: PlainEvent[]): this {
    for (const event of events) {
      const snapshot = JSON.parse(JSON.stringify(this.step.snapshot)) as MachineSnapshot;
      this.step = nextStep(machines[this.kind], snapshot, { at_ms: 1_000, ...event });
    }
    return this;
  }

  /** Lets the timer that the last step set go off. */
  timeOut(): this {
    const timer = this.step.intents.find((intent) => intent.type === 'set_timer');
    if (timer?.type !== 'set_timer') throw new Error(`no timer was set on the way to ${this.state}`);
    return this.send(timer.event);
  }

  /** The params of the one effect of this kind that the last step asked for. */
  effect(kind: string): Readonly<Record<string, unknown>> {
    const found = this.step.intents.filter(
      (intent) => intent.type === 'effect' && intent.effect.kind === kind,
    );
    if (found.length !== 1 || found[0]?.type !== 'effect') throw new Error(`${found.length} effects ${kind}`);
    return found[0].effect.params;
  }

  /** The message of this type that the last step sent. */
  message(type: string): Extract<Intent, { type: 'message' }>['message'] {
    for (const intent of this.step.intents) {
      if (intent.type === 'message' && intent.message.event.type === type) return intent.message;
    }
    throw new Error(`no message ${type}`);
  }
}

export function report(code: ErrorCode, retryable?: boolean): ErrorReport {
  const details = { operation: 'test', subject: 'it', ...(retryable === undefined ? {} : { retryable }) };
  return new IcbdError(code, 'made by the test', details).toReport();
}
