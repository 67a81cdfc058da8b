/**
 * Runs work for keys, a few at a time and each key once at a time. A key that is added while it waits is done once;
 * one that is added while it is worked on is done again.
 */
export class KeyedQueue {
  readonly #at_once: number;
  readonly #work: (key: string) => Promise<void>;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  #is_closed = false;

  /** @param work must not reject */
  constructor(at_once: number, work: (key: string) => Promise<void>) {
    this.#at_once = at_once;
    this.#work = work;
  }

  add(key: string): void {
    if (this.#is_closed) return;
    this.#waiting.add(key);
    this.#next();
  }

  /** Takes it out again if it was not begun. */
  remove(key: string): void {
    this.#waiting.delete(key);
  }

  isRunning(key: string): boolean {
    return this.#running.has(key);
  }

  /** Begins nothing new, and waits for what runs. */
  async close(): Promise<void> {
    this.#is_closed = true;
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #next(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#at_once) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      const done = this.#work(key).then(() => {
        this.#running.delete(key);
        this.#next();
      });
      this.#running.set(key, done);
    }
  }
}
