import type { Clock } from '../core/clock.js';
import type { Codec } from '../core/codecs.js';
import {
  type DataSource,
  proof_grid_bytes,
  type StreamPlace,
  type StreamTrailer,
} from '../core/data_path.js';
import { type ErrorReport, IcbdError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { isLinkLoss } from '../core/link_loss.js';
import { errorOfAbort, onAbort } from './abort_reason.js';
import { decode } from './codec.js';
import { Interruption } from './interruption.js';
import type { Meter } from './meter.js';
import { withinTime } from './within_time.js';

const operation = 'receive';
/** The sender is told how far the stream is taken about this often; a part of what it may keep. */
const taken_every_bytes = 4 * proof_grid_bytes;

/** What takes the stream, and keeps what came if the rest does not. One call at a time, but for `stop`. */
export interface StreamReceiver {
  /** Where the stream is to begin: what is before, this one has. */
  readonly from: StreamPlace;
  /** To be called when it fails while nothing is asked of it; the pump sets it. */
  onFailure: (cause: IcbdError) => void;
  /** Offset up to which it has taken the stream, so that it need not be sent again over another link. */
  readonly taken_bytes: number;
  /** In how many ms `cut` is due; undefined: there is nothing to cut. */
  readonly cut_after_ms: number | undefined;
  /**
   * Takes the next bytes, and waits while much of them is on its way.
   * @param onWritten called once when nobody looks at the block any more
   */
  push(block: Buffer, onWritten: () => void): Promise<void>;
  /** Makes a checkpoint of what came; later bytes are taken as before. */
  cut(): Promise<void>;
  /** Nothing will come any more over this link: makes a checkpoint of what came, and waits until it is kept. */
  keep(): Promise<void>;
  /** All has come. @throws IcbdError `HashMismatch` if it is not what was sent */
  finish(trailer: StreamTrailer): Promise<void>;
  /** Ends all that runs, at once, and waits until it is gone; never throws. Calls that wait fail. */
  stop(reason: ErrorReport): Promise<void>;
}

/** A source that takes back the memory of its blocks. */
export interface RecyclingSource extends DataSource {
  /** Called with exactly a block that came from `blocks`, once, when nobody looks at it any more. */
  recycle?(block: Buffer): void;
}

export interface ReceivePumpOptions {
  readonly receiver: StreamReceiver;
  readonly codec: Codec;
  /** Its first byte is at `receiver.from`. */
  readonly source: RecyclingSource;
  /** Counts the bytes of the stream as the sender counted them. */
  readonly meter: Meter;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** `link_lost`: what came is kept, and the rest may come over another link. */
export type ReceiveEnd =
  | { readonly kind: 'complete'; readonly trailer: StreamTrailer }
  | { readonly kind: 'link_lost'; readonly cause: IcbdError };

/**
 * Gives a receiver the stream of one link.
 *
 * If anything but the link fails, or the signal aborts, the receiver is stopped at once and has ended, and the source
 * is aborted with the same reason, before the first cause is thrown.
 *
 * @throws IcbdError `HashMismatch`, `ResumeMismatch`; the receiver's, the source's, the codec's or the signal's
 */
export async function pumpReceive(options: ReceivePumpOptions): Promise<ReceiveEnd> {
  const { receiver, codec, source, signal } = options;
  let stopped = Promise.resolve();
  const run = new Interruption((cause) => {
    stopped = receiver.stop(cause.toReport());
    source.abort(cause.toReport());
  });
  receiver.onFailure = (cause) => run.fail(cause);
  const forget = onAbort(signal, () => run.fail(errorOfAbort(signal, operation, '')));
  const blocks = decode(codec, source.blocks, limits, (block) => source.recycle?.(block));
  const decoded = blocks[Symbol.asyncIterator]();
  try {
    const lost = await pumpBlocks(options, run, decoded, (block) => blocks.recycle(block));
    if (lost !== undefined) {
      await run.guard(receiver.keep());
      return { kind: 'link_lost', cause: lost };
    }
    const { trailer } = source;
    if (trailer === undefined) {
      throw new IcbdError('Internal', 'the stream ended without a trailer', { operation });
    }
    await run.guard(receiver.finish(trailer));
    return { kind: 'complete', trailer };
  } catch (thrown) {
    run.fail(IcbdError.from(thrown, operation));
    void decoded.return?.().catch(() => undefined);
    await stopped;
    throw run.cause ?? thrown;
  } finally {
    forget();
  }
}

/** @returns how the link was lost; undefined when all blocks have come */
async function pumpBlocks(
  options: ReceivePumpOptions,
  run: Interruption,
  decoded: AsyncIterator<Buffer>,
  recycle: (block: Buffer) => void,
): Promise<IcbdError | undefined> {
  const { receiver, source, meter } = options;
  let told_bytes = receiver.from.offset_bytes;
  for (;;) {
    const next = await nextBlock(options, run, decoded);
    if (next instanceof IcbdError) return next;
    if (next.done === true) return undefined;
    const block = next.value;
    meter.add(block.length);
    await run.guard(receiver.push(block, () => recycle(block)));
    const taken_bytes = receiver.taken_bytes - (receiver.taken_bytes % proof_grid_bytes);
    if (taken_bytes - told_bytes < taken_every_bytes) continue;
    told_bytes = taken_bytes;
    source.taken(taken_bytes);
  }
}

/** Cuts while it waits, when that is due. @returns how the link was lost, which is no failure here */
async function nextBlock(
  { receiver, clock }: ReceivePumpOptions,
  run: Interruption,
  decoded: AsyncIterator<Buffer>,
): Promise<IteratorResult<Buffer> | IcbdError> {
  const next = decoded.next().catch((thrown: unknown) => {
    // The master does not want it now: it may still wait for the link itself, or for its turn.
    const is_early = thrown instanceof IcbdError && thrown.code === 'TimedOut';
    if (thrown instanceof IcbdError && (is_early || isLinkLoss(thrown))) return thrown;
    throw thrown;
  });
  // Nobody looks at it any more if the cutting fails.
  next.catch(() => undefined);
  for (;;) {
    const wait_ms = receiver.cut_after_ms;
    if (wait_ms === undefined) return run.guard(next);
    const result = await run.guard(withinTime(next, wait_ms, clock));
    if (result !== undefined) return result;
    await run.guard(receiver.cut());
  }
}
