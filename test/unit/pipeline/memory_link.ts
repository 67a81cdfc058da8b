import {
  type DataSink,
  type DataSource,
  type StreamPlace,
  type StreamTrailer,
  stream_start,
} from '../../../src/core/data_path.js';
import { IcbdError, type ErrorReport } from '../../../src/core/errors.js';

/** Both ends of a data link in one process: at most `capacity` blocks wait between them. */
export class MemoryLink {
  readonly sink: DataSink;
  readonly source: DataSource;
  /** Looks at each block on its way, and may change it. */
  onBlock: (block: Buffer, index: number) => Buffer = (block) => block;
  peak_blocks = 0;
  sink_aborted: ErrorReport | undefined;
  source_aborted: ErrorReport | undefined;
  /** What the sender said of its skipping. */
  readonly skipped: number[] = [];
  readonly #capacity: number;
  readonly #queue: Buffer[] = [];
  readonly #waiting = new Set<() => void>();
  #resolveClosed: (reason: IcbdError) => void = () => undefined;
  #count = 0;
  #link_bytes = 0;
  #failure: IcbdError | undefined;
  #pending_trailer: StreamTrailer | undefined;
  #trailer: StreamTrailer | undefined;

  /** @param from where the receiver wants the stream; a promise that rejects is a link that ends before */
  constructor(capacity = 8, from: StreamPlace | Promise<StreamPlace> = stream_start) {
    this.#capacity = capacity;
    const begin = Promise.resolve(from);
    begin.catch(() => undefined);
    const linkBytes = () => this.#link_bytes;
    const trailer = () => this.#trailer;
    const closed = new Promise<IcbdError>((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.sink = {
      begin,
      closed,
      onTaken: undefined,
      onKept: undefined,
      skipped: (offset_bytes) => {
        this.skipped.push(offset_bytes);
        this.source.onSkipped?.(offset_bytes);
      },
      write: (block) => this.#write(block),
      end: async (given) => {
        if (this.#failure !== undefined) throw this.#failure;
        this.#pending_trailer = given;
        this.#wakeAll();
      },
      abort: (reason) => {
        this.sink_aborted ??= reason;
        this.fail(IcbdError.fromReport(reason));
      },
      get link_bytes() {
        return linkBytes();
      },
    };
    this.source = {
      onSkipped: undefined,
      taken: (offset_bytes) => {
        if (this.#failure === undefined) this.sink.onTaken?.(offset_bytes);
      },
      kept: (offset_bytes) => {
        if (this.#failure === undefined) this.sink.onKept?.(offset_bytes);
      },
      blocks: { [Symbol.asyncIterator]: () => this.#read() },
      get trailer() {
        return trailer();
      },
      abort: (reason) => {
        this.source_aborted ??= reason;
        this.fail(IcbdError.fromReport(reason));
      },
      get link_bytes() {
        return linkBytes();
      },
    };
  }

  /** Breaks the link. */
  fail(reason: IcbdError): void {
    this.#failure ??= reason;
    this.#resolveClosed(this.#failure);
    this.#wakeAll();
  }

  async #write(block: Buffer): Promise<void> {
    while (this.#failure === undefined && this.#queue.length >= this.#capacity) await this.#wait();
    if (this.#failure !== undefined) throw this.#failure;
    this.#link_bytes += block.length;
    this.#queue.push(this.onBlock(block, this.#count));
    this.#count += 1;
    this.peak_blocks = Math.max(this.peak_blocks, this.#queue.length);
    this.#wakeAll();
  }

  async *#read(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const block = this.#queue.shift();
      if (block !== undefined) {
        this.#wakeAll();
        yield block;
      } else if (this.#pending_trailer !== undefined) {
        this.#trailer = this.#pending_trailer;
        return;
      } else {
        await this.#wait();
      }
    }
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
