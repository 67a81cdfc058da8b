import { type ErrorReport, IcbdError } from '../core/errors.js';
import type { EffectRecord, PlainEvent } from '../core/records.js';
import type { EffectHandler } from './ports.js';

interface Running {
  readonly effect: EffectRecord;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/** What an effect reported. */
export interface EffectReport {
  readonly effect: EffectRecord;
  readonly status: 'done' | 'failed';
  readonly event: PlainEvent;
  readonly error: ErrorReport | null;
}

const actorKey = (effect: EffectRecord): string => `${effect.actor.kind}/${effect.actor.id}`;

/**
 * Runs the handlers of committed effects and brings back what they report. It decides nothing.
 * An effect starts only when the ones that its actor stopped before have ended, so that two of them never work
 * on the same thing.
 */
export class EffectRunner {
  readonly #handlers: Readonly<Record<string, EffectHandler>>;
  readonly #report: (report: EffectReport) => void;
  readonly #tell: (effect: EffectRecord, event: PlainEvent) => boolean;
  readonly #running = new Map<string, Running>();
  readonly #stopping = new Map<string, Set<Promise<void>>>();
  #is_closed = false;

  /**
   * @param report takes what an effect says at its end
   * @param tell takes what it says before; returns whether that was heard
   */
  constructor(
    handlers: Readonly<Record<string, EffectHandler>>,
    report: (report: EffectReport) => void,
    tell: (effect: EffectRecord, event: PlainEvent) => boolean,
  ) {
    this.#handlers = handlers;
    this.#report = report;
    this.#tell = tell;
  }

  start(effect: EffectRecord): void {
    if (this.#is_closed) return;
    const controller = new AbortController();
    const ended = this.#run(effect, controller.signal);
    this.#running.set(effect.id, { effect, controller, ended });
  }

  stop(effect_id: string): void {
    this.#stop(effect_id, 'Cancelled', 'no longer wanted');
  }

  #stop(effect_id: string, code: 'Cancelled' | 'Interrupted', why: string): void {
    const running = this.#running.get(effect_id);
    if (running === undefined) return;
    this.#running.delete(effect_id);
    const key = actorKey(running.effect);
    const stopping = this.#stopping.get(key) ?? new Set();
    this.#stopping.set(key, stopping.add(running.ended));
    void running.ended.then(() => {
      stopping.delete(running.ended);
      if (stopping.size === 0) this.#stopping.delete(key);
    });
    const details = { operation: running.effect.kind, subject: effect_id };
    running.controller.abort(new IcbdError(code, why, details));
  }

  /** Stops all, starts no more, and waits until every handler has returned. */
  async close(): Promise<void> {
    this.#is_closed = true;
    // Peers that hear of it must not take it for a cancellation: what runs goes on after the next start.
    for (const effect_id of this.#running.keys()) this.#stop(effect_id, 'Interrupted', 'the node stops');
    await Promise.all([...this.#stopping.values()].flatMap((promises) => [...promises]));
  }

  async #run(effect: EffectRecord, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#stopping.get(actorKey(effect)) ?? new Set<Promise<void>>());
    const report = await this.#call(effect, signal);
    this.#running.delete(effect.id);
    if (!signal.aborted) this.#report(report);
  }

  async #call(effect: EffectRecord, signal: AbortSignal): Promise<EffectReport> {
    try {
      signal.throwIfAborted();
      const handler = this.#handlers[effect.kind];
      if (handler === undefined) throw new Error(`this node has no handler for the effect ${effect.kind}`);
      const tell = (event: PlainEvent): boolean => !signal.aborted && this.#tell(effect, event);
      const event = await handler(effect, { signal, tell });
      return { effect, status: 'done', event, error: null };
    } catch (thrown) {
      const error = IcbdError.from(thrown, effect.kind, effect.id).toReport();
      return { effect, status: 'failed', event: { type: `${effect.kind}.failed`, error }, error };
    }
  }
}
