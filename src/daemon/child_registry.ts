import type { ErrorReport } from '../core/errors.js';
import { type Child, type ChildOptions, killLeftover, startChild } from '../pipeline/child.js';
import type { Storage } from '../storage/storage.js';

/**
 * Starts child processes and keeps a row for each while it runs, so that the next start of the daemon
 * recognises one that outlived this.
 */
export class ChildRegistry {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Ends what an earlier daemon left running; returns how many there were. */
  async killLeftovers(): Promise<number> {
    let killed = 0;
    for (const { pid, start_time } of this.#storage.node.processes()) {
      if (await killLeftover(pid, start_time)) killed += 1;
      this.#storage.node.removeProcess(pid);
    }
    return killed;
  }

  /** As `startChild`, with a row for as long as it runs. */
  start(effect_id: string, options: Omit<ChildOptions, 'onStarted'>): Child {
    const command = [options.program, ...options.args].join(' ');
    const child = startChild({
      ...options,
      onStarted: (pid, start_time) =>
        this.#storage.transaction(() =>
          this.#storage.node.addProcess({ pid, start_time, effect_id, command }),
        ),
    });
    void child.finished.then(() => {
      const { pid } = child;
      if (pid !== undefined) this.#storage.transaction(() => this.#storage.node.removeProcess(pid));
    });
    return child;
  }
}

/** Calls `stop` when no byte has moved for too long; returns what ends the watch. */
export function watchForStall(options: {
  readonly idleMs: () => number;
  readonly stall_timeout_ms: number;
  readonly subject: string;
  readonly stop: (reason: ErrorReport) => void;
}): () => void {
  const { stall_timeout_ms, subject } = options;
  const timer = setInterval(
    () => {
      if (options.idleMs() < stall_timeout_ms) return;
      options.stop({
        code: 'Stalled',
        message: `no byte moved for ${stall_timeout_ms / 1_000} s`,
        operation: 'transfer',
        subject,
        retryable: true,
        hint: 'look at disk and network of both nodes; transfers.stall_timeout_s sets the limit',
      });
    },
    Math.min(stall_timeout_ms, 1_000),
  );
  return () => clearInterval(timer);
}
