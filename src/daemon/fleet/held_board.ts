import type { Held } from './copies.js';

interface Entry {
  readonly identities: Set<string>;
  known_at_ms: number | null;
}

/** What each replica is known to hold of each image, by identity. */
export class HeldBoard {
  readonly #replicas = new Map<string, Map<string, Entry>>();

  of(replica: string, image: string): Held | undefined {
    return this.#replicas.get(replica)?.get(image);
  }

  /** The replica said all that it holds of the image. @param now_ms unix ms */
  set(replica: string, image: string, identities: Iterable<string>, now_ms: number): void {
    this.#imagesOf(replica).set(image, { identities: new Set(identities), known_at_ms: now_ms });
  }

  /** One more snapshot came there. */
  add(replica: string, image: string, identity: string): void {
    const images = this.#imagesOf(replica);
    const entry = images.get(image);
    if (entry === undefined) images.set(image, { identities: new Set([identity]), known_at_ms: null });
    else entry.identities.add(identity);
  }

  #imagesOf(replica: string): Map<string, Entry> {
    const images = this.#replicas.get(replica) ?? new Map<string, Entry>();
    this.#replicas.set(replica, images);
    return images;
  }
}
