/**
 * A thread that compresses or decompresses the blocks of one stream, in memory that goes to it and comes back.
 *
 * The asynchronous calls of the packages allocate in the threads of Node's pool what is freed in the main thread;
 * their allocator then keeps some 400 MB. One thread that allocates and frees by itself keeps next to nothing. Memory
 * that both sides see would be simpler, but V8 copies from and to it with a loop of atomic words.
 */
import type { Worker } from 'node:worker_threads';
import { IcbdError } from '../core/errors.js';
import { startThread } from './start_thread.js';

export type ThreadCodec = 'lz4' | 'snappy';

export interface CodecThreadData {
  readonly codec: ThreadCodec;
  readonly direction: 'compress' | 'decompress';
}

/** Converts what stands in the memory of a slot; the result takes its place. */
export interface CodecOrder {
  readonly slot: number;
  /** Where in the slot the data begin, and where the result is to begin. */
  readonly offset_bytes: number;
  readonly data_bytes: number;
  /** Bytes of the decompressed block; decompressing to any other number fails. */
  readonly raw_bytes: number;
}

/** What goes to the thread. */
export interface CodecMessage extends CodecOrder {
  readonly memory: ArrayBuffer;
}

export interface CodecResult {
  readonly slot: number;
  /** That of the order, which comes back. */
  readonly memory: ArrayBuffer;
  /** Undefined: compressed it would not be smaller, so the slot was left as it was. */
  readonly output_bytes: number | undefined;
  /** Why it could not be done. */
  readonly failure?: string;
}

/** The least that V8 takes: see `collectSoon` in the thread. */
const young_generation_mb = 1;

interface Pending {
  resolve(output_bytes: number | undefined): void;
  reject(reason: unknown): void;
}

export class CodecThread {
  readonly #slots: ArrayBuffer[];
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #failure: IcbdError | undefined;

  constructor(what: CodecThreadData, size: { readonly slots: number; readonly slot_bytes: number }) {
    const { slots, slot_bytes } = size;
    this.#slots = Array.from({ length: slots }, () => new ArrayBuffer(slot_bytes));
    this.#worker = startThread(new URL('./codec_worker.js', import.meta.url), {
      name: `${what.codec} ${what.direction}`,
      workerData: what,
      resourceLimits: { maxYoungGenerationSizeMb: young_generation_mb },
    });
    this.#worker.unref();
    this.#worker.on('message', (result: CodecResult) => this.#settle(result));
    this.#worker.on('error', (cause) => this.#fail(`the thread failed: ${cause.message}`, cause));
    this.#worker.on('exit', () => this.#fail('the thread ended'));
  }

  /** The memory of a slot, for who holds it; empty while an order for it runs, and another view afterwards. */
  slot(slot: number): Buffer {
    return Buffer.from(this.#memory(slot));
  }

  #memory(slot: number): ArrayBuffer {
    const memory = this.#slots[slot];
    if (memory === undefined) throw new IcbdError('Internal', `no slot ${slot}`, { operation: 'codec' });
    return memory;
  }

  /**
   * @returns bytes of the result, which stands in the slot; undefined if compressing would not make it smaller
   * @throws Error for data that cannot be converted; IcbdError `Internal` if the thread ended
   */
  convert(order: CodecOrder): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      // The process stays for work that is under way, and not for a thread that waits.
      if (this.#pending.size === 0) this.#worker.ref();
      this.#pending.set(order.slot, { resolve, reject });
      const memory = this.#memory(order.slot);
      const message: CodecMessage = { ...order, memory };
      this.#worker.postMessage(message, [memory]);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle({ slot, memory, output_bytes, failure }: CodecResult): void {
    this.#slots[slot] = memory;
    const pending = this.#pending.get(slot);
    this.#pending.delete(slot);
    if (this.#pending.size === 0) this.#worker.unref();
    if (failure === undefined) pending?.resolve(output_bytes);
    else pending?.reject(new Error(failure));
  }

  #fail(message: string, cause?: unknown): void {
    this.#failure ??= new IcbdError('Internal', message, { operation: 'codec', cause });
    for (const pending of this.#pending.values()) pending.reject(this.#failure);
    this.#pending.clear();
  }
}
