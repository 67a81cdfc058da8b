import type { Commit } from './ports.js';

type Subscriber = (commit: Commit) => void;

/** Those who hear of every commit, in order: also of one that a subscriber makes while it hears of another. */
export class Subscribers {
  readonly #subscribers = new Set<Subscriber>();
  /** Commits that they have not all heard of. */
  readonly #untold: Commit[] = [];
  readonly #guard: (tell: () => void) => void;
  #is_telling = false;

  /** @param guard calls what it gets, and deals with what that throws */
  constructor(guard: (tell: () => void) => void) {
    this.#guard = guard;
  }

  /** @returns what ends it */
  add(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  tell(commit: Commit): void {
    this.#untold.push(commit);
    if (this.#is_telling) return;
    this.#is_telling = true;
    try {
      for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift()) {
        const told = next;
        for (const subscriber of this.#subscribers) this.#guard(() => subscriber(told));
      }
    } finally {
      this.#is_telling = false;
    }
  }
}
