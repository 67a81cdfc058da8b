import type { Registry } from 'prom-client';
import { IcbdError } from '../../core/errors.js';
import type { Storage } from '../../storage/storage.js';
import type { ProbeAnswer, ProbeCheck, Probes } from '../control/probes.js';
import type { LoopDelay } from './loop_delay.js';

export interface NodeProbesOptions {
  readonly registry: Registry;
  readonly storage: Storage;
  readonly delay: LoopDelay;
  readonly isStopping: () => boolean;
  /** How the links are, and what else has to be there. */
  readonly checks: () => readonly ProbeCheck[];
}

const answerOf = (checks: readonly ProbeCheck[]): ProbeAnswer => ({
  ok: checks.every(({ ok }) => ok),
  checks,
});

/** What a node answers to those who watch over it. */
export class NodeProbes implements Probes {
  readonly #options: NodeProbesOptions;

  constructor(options: NodeProbesOptions) {
    this.#options = options;
  }

  /** That there is an answer is the answer. */
  livez(): ProbeAnswer {
    const { max_s } = this.#options.delay.recent();
    const text = `held up for at most ${Math.round(max_s * 1_000)} ms lately`;
    return answerOf([{ name: 'event_loop', ok: true, text }]);
  }

  async readyz(): Promise<ProbeAnswer> {
    const { isStopping, checks } = this.#options;
    const is_stopping = isStopping();
    const text = is_stopping ? 'the node stops: nothing new begins' : 'takes new work';
    return answerOf([this.#checkDatabase(), ...checks(), { name: 'not_stopping', ok: !is_stopping, text }]);
  }

  metrics(): Promise<string> {
    return this.#options.registry.metrics();
  }

  #checkDatabase(): ProbeCheck {
    try {
      this.#options.storage.tryToWrite();
      return { name: 'database', ok: true, text: 'can be written' };
    } catch (error) {
      const { message } = IcbdError.from(error, 'write state');
      return { name: 'database', ok: false, text: message };
    }
  }
}
