import { stream_start, type StreamPlace } from '../core/data_path.js';

/** A stretch of a stream in memory, and the places in it at which the hash of all before is known. */
export class RetainedBlocks {
  readonly #blocks: Buffer[] = [];
  #places: StreamPlace[] = [stream_start];
  #start_bytes = 0;
  #end_bytes = 0;

  /** Offset of the first byte that is retained. */
  get start_bytes(): number {
    return this.#start_bytes;
  }

  /** Offset behind the last one. */
  get end_bytes(): number {
    return this.#end_bytes;
  }

  get bytes(): number {
    return this.#end_bytes - this.#start_bytes;
  }

  push(block: Buffer): void {
    this.#blocks.push(block);
    this.#end_bytes += block.length;
  }

  /** @param place one behind all that were added before */
  addPlace(place: StreamPlace): void {
    this.#places.push(place);
  }

  /** The place at this offset, if what follows it is retained. */
  placeAt(offset_bytes: number): StreamPlace | undefined {
    return this.#places.find((place) => place.offset_bytes === offset_bytes);
  }

  /** The rest of the block in which this offset is; undefined if it is not retained. */
  from(offset_bytes: number): Buffer | undefined {
    if (offset_bytes < this.#start_bytes) return undefined;
    let start_bytes = this.#end_bytes;
    // From the end, where a sender is that only waits for the next block.
    for (const block of this.#blocks.toReversed()) {
      const end_bytes = start_bytes;
      start_bytes -= block.length;
      if (offset_bytes >= end_bytes) return undefined;
      if (offset_bytes === start_bytes) return block;
      if (offset_bytes > start_bytes) return block.subarray(offset_bytes - start_bytes);
    }
    return undefined;
  }

  /** Lets go of the blocks that end at or before this offset, and returns them. */
  release(offset_bytes: number): Buffer[] {
    const released: Buffer[] = [];
    for (;;) {
      const [first] = this.#blocks;
      if (first === undefined || this.#start_bytes + first.length > offset_bytes) break;
      released.push(first);
      this.#blocks.shift();
      this.#start_bytes += first.length;
    }
    if (released.length > 0) {
      this.#places = this.#places.filter((place) => place.offset_bytes >= this.#start_bytes);
    }
    return released;
  }
}
