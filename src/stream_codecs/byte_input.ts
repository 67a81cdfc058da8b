/** A stream of bytes in chunks of any size, read in pieces of the size that a format asks for. */
import { truncated } from './damage.js';

export class ByteInput {
  readonly #codec: string;
  readonly #source: AsyncIterator<Buffer>;
  /** What was taken from the source and not read yet. */
  #pending: Buffer[] = [];
  #pending_bytes = 0;
  #offset_bytes = 0;
  #is_over = false;

  /** @param codec named in errors */
  constructor(source: AsyncIterable<Buffer>, codec: string) {
    this.#codec = codec;
    this.#source = source[Symbol.asyncIterator]();
  }

  /** How much was read. */
  get offset_bytes(): number {
    return this.#offset_bytes;
  }

  async isAtEnd(): Promise<boolean> {
    await this.#fill(1);
    return this.#pending_bytes === 0;
  }

  /**
   * Exactly so many bytes, in memory that may be the source's. Callers bound `bytes`: they are all held.
   * @param inside what they are a part of, for the error
   * @throws IcbdError `CorruptData` if the input ends before
   */
  async read(bytes: number, inside: string): Promise<Buffer> {
    await this.#fill(bytes);
    if (this.#pending_bytes < bytes) throw this.#truncated(inside);
    const first = this.#pending[0] ?? Buffer.alloc(0);
    const whole = first.length >= bytes ? first : Buffer.concat(this.#pending);
    const rest = whole.subarray(bytes);
    this.#pending = whole === first ? this.#pending.slice(1) : [];
    if (rest.length > 0) this.#pending.unshift(rest);
    this.#advance(bytes);
    return whole.subarray(0, bytes);
  }

  /**
   * Reads so many bytes without holding them.
   * @throws IcbdError `CorruptData` if the input ends before
   */
  async passOver(bytes: number, inside: string): Promise<void> {
    for (let left = bytes; left > 0; ) {
      await this.#fill(1);
      const first = this.#pending.shift();
      if (first === undefined) throw this.#truncated(inside);
      const taken = Math.min(left, first.length);
      if (taken < first.length) this.#pending.unshift(first.subarray(taken));
      this.#advance(taken);
      left -= taken;
    }
  }

  /** Lets go of the source; not waited for, since a source that hangs is its owner's to end. */
  close(): void {
    if (!this.#is_over) this.#source.return?.().catch(() => undefined);
    this.#is_over = true;
  }

  #advance(bytes: number): void {
    this.#pending_bytes -= bytes;
    this.#offset_bytes += bytes;
  }

  #truncated(inside: string): Error {
    return truncated(this.#codec, inside, this.#offset_bytes + this.#pending_bytes);
  }

  async #fill(bytes: number): Promise<void> {
    while (this.#pending_bytes < bytes && !this.#is_over) {
      const next = await this.#source.next();
      if (next.done === true) {
        this.#is_over = true;
      } else if (next.value.length > 0) {
        this.#pending.push(next.value);
        this.#pending_bytes += next.value.length;
      }
    }
  }
}
