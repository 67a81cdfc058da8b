import type { Clock } from '../core/clock.js';
import type { Codec } from '../core/codecs.js';
import type { DataSink, StreamPlace, StreamTrailer } from '../core/data_path.js';
import { type ErrorReport, IcbdError } from '../core/errors.js';
import { isLinkLoss } from '../core/link_loss.js';
import { errorOfAbort, onAbort } from './abort_reason.js';
import type { Child } from './child.js';
import { failureOfChild } from './child_failure.js';
import { encode } from './codec.js';
import { Interruption } from './interruption.js';
import type { Meter } from './meter.js';
import { operationOf } from './program.js';
import { RetainedStream } from './retained_stream.js';
import { StreamFeed } from './stream_feed.js';

/**
 * What is retained until the receiver has taken it. A link moves at most this much in the time from reading a byte to
 * hearing that it was taken: 160 MB/s at a delay of 100 ms, and more than a disk gives at the delay of one city. Each
 * transfer that runs, or waits for its link, holds as much in memory.
 */
const window_bytes_default = 16 * 1024 * 1024;

/** A sink that says when it no longer needs a block, so that its memory is used again. */
export interface RecyclingSink extends DataSink {
  /** Set by the stream; to be called with exactly the block that was written, once, after it went to the network. */
  onWritten?: ((block: Buffer) => void) | undefined;
}

export interface OutgoingStreamOptions {
  /** Its stdout is the stream. */
  readonly child: Child;
  readonly clock: Clock;
  /** Bytes of the stream that are retained at most. */
  readonly window_bytes?: number;
}

export interface SkipOptions {
  /** The link that waits for it. */
  readonly sink: DataSink;
  /** Counts the bytes that are skipped. */
  readonly meter: Meter;
  readonly signal: AbortSignal;
  /** Called after each block with how far it came, in bytes of the stream. */
  readonly onSkipped: (offset_bytes: number) => void;
}

export interface SendToOptions {
  readonly sink: RecyclingSink;
  readonly codec: Codec;
  /** The first byte to send; one that `covers` or `skipTo` was asked for. */
  readonly from_bytes: number;
  /** Counts the bytes of the stream as they go to the codec; made with `from_bytes`. */
  readonly meter: Meter;
  readonly signal: AbortSignal;
  /** Called when the receiver has taken the stream up to this offset, which does not mean that it is on its disk. */
  readonly onTaken?: (offset_bytes: number) => void;
}

/**
 * The output of one child, for a receiver whose links break: what it has not taken yet is retained, so that the next
 * link goes on there.
 *
 * A lost link leaves it as it is. Any other failure ends it for good, link or no link: the child is killed and has
 * ended, and the sink is aborted with the same first cause.
 */
export class OutgoingStream {
  /** Resolves, never rejects, with why it cannot be used any more; a stream that was sent has no such end. */
  readonly over: Promise<IcbdError>;
  readonly #child: Child;
  readonly #operation: string;
  readonly #stream: RetainedStream;
  #resolveOver: (cause: IcbdError) => void = () => undefined;
  #failure: IcbdError | undefined;
  /** Set while a link is served, or the stream is skipped. */
  #run: Interruption | undefined;
  /** How far the stream was ever given to a codec. */
  #given_bytes = 0;

  constructor({ child, clock, window_bytes = window_bytes_default }: OutgoingStreamOptions) {
    this.#child = child;
    this.#operation = operationOf(child);
    if (child.stdout === undefined) throw this.#internal('the child has no stdout');
    this.#stream = new RetainedStream(child.stdout, { clock, window_bytes });
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
    // It must be noticed also while the network is slow, and while there is none.
    void child.finished.then((end) => {
      const failure = failureOfChild(child, end);
      if (failure !== undefined) this.#end(failure);
    });
  }

  /** Bytes held in memory for the receiver. */
  get retained_bytes(): number {
    return this.#stream.retained_bytes;
  }

  /** Bytes read from the child. */
  get read_bytes(): number {
    return this.#stream.read_bytes;
  }

  /**
   * Whether it can go on from a place without being read anew.
   * @throws IcbdError `ResumeMismatch` if the receiver has something else up to there; why it is over
   */
  covers(place: StreamPlace): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    const known = this.#stream.placeAt(place.offset_bytes);
    if (known !== undefined && known.hash !== place.hash)
      throw this.#mismatch(place, 'has other bytes before that');
    return known !== undefined;
  }

  /**
   * Reads on up to a place, and lets go of all before it.
   * @param place not before what was read
   * @throws IcbdError `LinkLost` of the sink: it can be called again. All else ends the stream: `ResumeMismatch` if the
   *   hash is another there, or the stream is shorter; the failure of the child, the receiver or the signal.
   */
  skipTo(place: StreamPlace, { sink, meter, signal, onSkipped }: SkipOptions): Promise<void> {
    const wanted_bytes = place.offset_bytes;
    const reading = { is_over: false, may_hold_back: false, does_hold_back: false };
    return this.#use(signal, sink, async (run) => {
      for (let at_bytes = this.read_bytes; at_bytes < wanted_bytes; ) {
        const block = await run.guard(this.#stream.next(at_bytes, reading));
        if (block === undefined) {
          await this.#checkChild(run);
          throw this.#mismatch(place, `ends after ${at_bytes} bytes`);
        }
        at_bytes += block.length;
        meter.add(block.length);
        this.#stream.release(Math.min(at_bytes, wanted_bytes));
        onSkipped(Math.min(at_bytes, wanted_bytes));
      }
      if (!this.covers(place)) throw this.#mismatch(place, 'has no such place');
    });
  }

  /** Says that the receiver has taken all up to this offset; what was not sent yet stays. */
  acknowledge(offset_bytes: number): void {
    this.#stream.release(Math.min(offset_bytes, this.#given_bytes));
  }

  /**
   * Sends everything from an offset to the end; returns what was told to the receiver as proof of it.
   * @throws IcbdError `LinkLost` of the sink: it can be called again with another. All else ends the stream: the
   *   failure of the child (its stop reason, `BtrfsFailed`, `ProcessFailed`), of the sink, the codec or the signal.
   */
  sendTo(options: SendToOptions): Promise<StreamTrailer> {
    const { sink, codec, from_bytes, meter, signal } = options;
    return this.#use(signal, sink, async (run) => {
      if (!this.#stream.has(from_bytes)) throw this.#internal(`nothing is retained at ${from_bytes}`);
      this.#given_bytes = Math.max(this.#given_bytes, from_bytes);
      const feed = new StreamFeed(this.#stream, {
        from_bytes,
        may_hold_back: codec === 'zstd',
        onGiven: (bytes) => {
          meter.add(bytes);
          this.#given_bytes = Math.max(this.#given_bytes, feed.offset_bytes);
        },
      });
      sink.onTaken = (offset_bytes) => {
        meter.touch();
        this.acknowledge(offset_bytes);
        options.onTaken?.(offset_bytes);
      };
      this.acknowledge(from_bytes);
      try {
        await this.#writeAll(run, options, feed);
        await this.#checkChild(run);
        const trailer = { stream_bytes: this.read_bytes, hash: this.#stream.digest() };
        await run.guard(sink.end(trailer));
        this.#stream.release(this.read_bytes);
        return trailer;
      } finally {
        sink.onTaken = undefined;
      }
    });
  }

  /** Ends it, and waits until the child has ended. */
  async stop(reason: ErrorReport): Promise<void> {
    this.#end(IcbdError.fromReport(reason));
    await this.#child.finished;
  }

  async #writeAll(run: Interruption, options: SendToOptions, feed: StreamFeed): Promise<void> {
    const { sink, codec, meter } = options;
    // The stream keeps its blocks until they are taken, whatever the codec is done with.
    const blocks = encode(codec, feed, () => undefined);
    sink.onWritten = (block) => {
      blocks.recycle(block);
      meter.touch();
      this.#stream.wake();
    };
    const encoded = blocks[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await run.guard(encoded.next());
        if (next.done === true) return;
        await run.guard(sink.write(next.value));
      }
    } finally {
      sink.onWritten = undefined;
      feed.stop();
      await encoded.return?.().catch(() => undefined);
    }
  }

  /** Does something with the stream for a link, one at a time; ends it if that fails by anything but a lost link. */
  async #use<T>(signal: AbortSignal, sink: DataSink, work: (run: Interruption) => Promise<T>): Promise<T> {
    if (this.#run !== undefined) throw this.#internal('the stream is in use');
    const isLost = (cause: IcbdError): boolean =>
      this.#failure === undefined && !signal.aborted && isLinkLoss(cause);
    const run = new Interruption((cause) => {
      if (isLost(cause)) return;
      sink.abort(cause.toReport());
      this.#end(cause);
    });
    this.#run = run;
    if (this.#failure !== undefined) run.fail(this.#failure);
    const forget = onAbort(signal, () =>
      run.fail(errorOfAbort(signal, this.#operation, this.#child.program)),
    );
    // A silent child must not hide that the link is gone.
    void sink.closed.then((cause) => {
      if (this.#run === run) run.fail(cause);
    });
    try {
      if (run.cause !== undefined) throw run.cause;
      return await work(run);
    } catch (thrown) {
      const error = IcbdError.from(thrown, this.#operation, this.#child.args.at(-1));
      run.fail(error);
      if (this.#failure !== undefined) await this.#child.finished;
      throw run.cause ?? error;
    } finally {
      forget();
      this.#run = undefined;
    }
  }

  async #checkChild(run: Interruption): Promise<void> {
    const failure = failureOfChild(this.#child, await run.guard(this.#child.finished));
    if (failure !== undefined) throw failure;
  }

  #end(cause: IcbdError): void {
    if (this.#failure !== undefined) return;
    this.#failure = cause;
    this.#child.stop(cause.toReport());
    this.#stream.fail(cause);
    this.#run?.fail(cause);
    this.#resolveOver(cause);
  }

  #internal(message: string): IcbdError {
    return new IcbdError('Internal', message, { operation: this.#operation });
  }

  #mismatch({ offset_bytes }: StreamPlace, what: string): IcbdError {
    const message = `the receiver wants the stream from ${offset_bytes} on, but the stream of now ${what}`;
    return new IcbdError('ResumeMismatch', message, {
      operation: 'resume',
      subject: this.#child.args.at(-1) ?? '',
      hint: 'the transfer has to start over: btrfs send does not repeat this stream byte for byte',
    });
  }
}
