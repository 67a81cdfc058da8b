import type { ShutdownMode, ShutdownReport } from '../core/node_report.js';

export interface NodeStopOptions {
  readonly node: string;
  /** Transfers that run now. */
  readonly running: () => number;
  /** Called once, as soon as anybody asks: from now on nothing new begins. */
  readonly onAsked: () => void;
  /** Calls back after every change that may have ended the last transfer. */
  readonly onChange: (look: () => void) => void;
}

/** An operator, or the master, wants this node to stop in an orderly way. */
export class NodeStop {
  /** Resolves with what asked for it when the process is to stop. */
  readonly due: Promise<string>;
  readonly #options: NodeStopOptions;
  #resolve: (what: string) => void = () => undefined;
  #is_stopping = false;

  constructor(options: NodeStopOptions) {
    this.#options = options;
    this.due = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get is_stopping(): boolean {
    return this.#is_stopping;
  }

  /**
   * @param mode `finish` waits for what runs, however long that takes; `checkpoint` may follow it
   * @param what who asked, for the log
   */
  ask(mode: ShutdownMode, what: string): ShutdownReport {
    const { node, running, onAsked, onChange } = this.#options;
    const report = { node, mode, running: running() };
    if (!this.#is_stopping) {
      this.#is_stopping = true;
      onAsked();
    }
    if (mode === 'checkpoint') {
      // The answer goes out first.
      setImmediate(() => this.#resolve(what));
      return report;
    }
    const look = (): void => {
      if (running() === 0) setImmediate(() => this.#resolve(what));
    };
    onChange(look);
    look();
    return report;
  }
}
