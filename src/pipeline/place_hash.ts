import type { StreamPlace } from '../core/data_path.js';
import type { ProofHash } from './proof_hash.js';

/** Any place of a stream, with what proves it to a later run. */
export interface ProvenPlace {
  readonly offset_bytes: number;
  /** The last place of the grid at or before the offset. */
  readonly proof: StreamPlace;
  /** What `ProofHash` says at the offset if it starts at `proof`. */
  readonly rest_hash: string;
}

/**
 * Hashes a stream, and knows the hash at the end of its last complete command, which may lie before what is hashed:
 * where that command ends is known only when all of a chunk was read, and its memory is not kept.
 */
export class PlaceHash {
  readonly #hash: ProofHash;
  /** The last place that was asked for. */
  #place: ProvenPlace;
  /** Of the chunk, what is not hashed yet. */
  #rest: Buffer = Buffer.alloc(0);

  /**
   * @param hash of what came before; `enter` is not called before it is where `start` says
   * @param start the end of a command; where the hash is by default
   */
  constructor(hash: ProofHash, start: ProvenPlace = placeOf(hash)) {
    this.#hash = hash;
    const { offset_bytes, proof, rest_hash } = start;
    this.#place = { offset_bytes, proof, rest_hash };
  }

  /** The next bytes; `leave` must follow before the ones after. */
  enter(chunk: Buffer): void {
    this.#rest = chunk;
  }

  /** @param offset_bytes in the chunk and not before the last one asked for; or that one itself, at any time */
  placeAt(offset_bytes: number): ProvenPlace {
    if (offset_bytes === this.#place.offset_bytes) return this.#place;
    const wanted_bytes = offset_bytes - this.#hash.bytes;
    this.#hash.update(this.#rest.subarray(0, wanted_bytes));
    this.#rest = this.#rest.subarray(wanted_bytes);
    this.#place = placeOf(this.#hash);
    return this.#place;
  }

  /** All of the chunk is read, and the last complete command ends at `offset_bytes`. */
  leave(offset_bytes: number): void {
    this.placeAt(offset_bytes);
    this.#hash.update(this.#rest);
    this.#rest = Buffer.alloc(0);
  }

  /** Of all that came. */
  digest(): { readonly stream_bytes: number; readonly hash: string } {
    return { stream_bytes: this.#hash.bytes, hash: this.#hash.digest() };
  }
}

function placeOf(hash: ProofHash): ProvenPlace {
  return { offset_bytes: hash.bytes, proof: hash.aligned, rest_hash: hash.digest() };
}
