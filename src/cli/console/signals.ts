import type { CliContext, Interrupt } from '../context.js';

type Listener = (signal: string) => void;

/** Every signal while the console runs, also a second one, and Ctrl-C as a key of the keyboard. */
export class Signals {
  readonly #context: CliContext;
  readonly #listeners = new Set<Listener>();
  #interrupt: Interrupt | undefined;

  constructor(context: CliContext) {
    this.#context = context;
  }

  /** From now on signals no longer end the process. */
  open(): void {
    const interrupt = this.#context.catchInterrupt();
    this.#interrupt = interrupt;
    interrupt.signal.addEventListener('abort', () => {
      // What is caught tells of the first signal only: it is caught anew, before another one can come.
      queueMicrotask(() => this.#renew(interrupt));
      this.raise(String(interrupt.signal.reason));
    });
  }

  #renew(interrupt: Interrupt): void {
    if (this.#interrupt !== interrupt) return;
    this.open();
    interrupt.release();
  }

  close(): void {
    this.#interrupt?.release();
    this.#interrupt = undefined;
  }

  raise(signal: string): void {
    for (const listener of this.#listeners) listener(signal);
  }

  /** @returns ends it */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
