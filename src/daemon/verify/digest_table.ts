const digest_bytes = 32;

/** SHA-256 digests by inode number, in some 50 bytes each: there may be millions. */
export class DigestTable {
  readonly #places = new Map<number, number>();
  #bytes = Buffer.alloc(1024 * digest_bytes);

  set(inode: number, digest: Buffer): void {
    const place = this.#places.get(inode) ?? this.#places.size;
    const offset = place * digest_bytes;
    if (offset >= this.#bytes.length) {
      const larger = Buffer.alloc(this.#bytes.length * 2);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    digest.copy(this.#bytes, offset);
    this.#places.set(inode, place);
  }

  /** 64 hex digits. */
  get(inode: number): string | undefined {
    const place = this.#places.get(inode);
    if (place === undefined) return undefined;
    return this.#bytes.toString('hex', place * digest_bytes, (place + 1) * digest_bytes);
  }
}
