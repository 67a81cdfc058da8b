import type { Codec } from '../core/codecs.js';
import type { DataSource, StreamTrailer } from '../core/data_path.js';
import { IcbdError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { errorOfAbort, onAbort } from './abort_reason.js';
import type { Child } from './child.js';
import { failureOfChild, failureOfEarlyEnd } from './child_failure.js';
import { BrokenInput, ChildInput } from './child_input.js';
import { decode } from './codec.js';
import { StreamHash } from './hash.js';
import { Interruption } from './interruption.js';
import type { Meter } from './meter.js';
import { operationOf } from './program.js';

/** Looks at a stream on its way to the child, may change it, and may hold back its end. */
export interface StreamTransform {
  /**
   * The next bytes in, what may go to the child out. What comes out may be views of the chunk; between calls
   * nothing of the chunk may be kept but copies, for its memory may be used again.
   */
  push(chunk: Buffer): Buffer[];
  /** What was held back; called only when the hash of the whole stream has been proven. */
  finish(trailer: StreamTrailer): Buffer[];
}

/** A source that takes back the memory of its blocks. */
export interface RecyclingSource extends DataSource {
  /** Called with exactly a block that came from `blocks`, once, when nobody looks at it any more. */
  recycle?(block: Buffer): void;
}

export interface ReceivePumpOptions {
  /** Its stdin takes the stream. */
  readonly child: Child;
  readonly codec: Codec;
  readonly source: RecyclingSource;
  readonly transform: StreamTransform;
  /** Counts the bytes of the stream as the sender counted them. */
  readonly meter: Meter;
  readonly signal: AbortSignal;
}

/**
 * Gives a child the whole stream; returns the sender's trailer, which has been compared with what came.
 *
 * What the transform holds back is written only if hash and length agree. If anything fails, or the signal aborts,
 * the child is killed (before it can see the end of its input) and has ended, and the source is aborted with the
 * same reason, before the first cause is thrown.
 *
 * @throws IcbdError `HashMismatch`; the child's (its stop reason, `NoSpace`, `BtrfsFailed`, `ProcessFailed`), the
 *   source's, the codec's, the transform's or the signal's
 */
export async function pumpReceive(options: ReceivePumpOptions): Promise<StreamTrailer> {
  const { child, codec, source, signal } = options;
  const operation = operationOf(child);
  const run = new Interruption((cause) => {
    child.stop(cause.toReport());
    source.abort(cause.toReport());
  });
  const forget = onAbort(signal, () => run.fail(errorOfAbort(signal, operation, child.program)));
  let is_input_over = false;
  void child.finished.then((end) => {
    const failure = is_input_over ? failureOfChild(child, end) : failureOfEarlyEnd(child, end);
    if (failure !== undefined) run.fail(failure);
  });

  let decoded: AsyncIterator<Buffer> | undefined;
  try {
    if (child.stdin === undefined) throw new IcbdError('Internal', 'the child has no stdin', { operation });
    const input = new ChildInput(child.stdin);
    const blocks = decode(codec, source.blocks, limits, (block) => source.recycle?.(block));
    decoded = blocks[Symbol.asyncIterator]();
    const trailer = await writeStream(options, run, decoded, (transformed, block) =>
      input.write(transformed, () => blocks.recycle(block)),
    );
    await run.guard(input.write(options.transform.finish(trailer)));
    is_input_over = true;
    await run.guard(input.end());
    const failure = failureOfChild(child, await run.guard(child.finished));
    if (failure !== undefined) throw failure;
    return trailer;
  } catch (thrown) {
    const cause = await findCause(thrown, child, run);
    run.fail(cause);
    void decoded?.return?.().catch(() => undefined);
    await child.finished;
    throw cause;
  } finally {
    forget();
  }
}

/** Everything up to the held-back end; then the proof. */
async function writeStream(
  { source, transform, meter, child }: ReceivePumpOptions,
  run: Interruption,
  decoded: AsyncIterator<Buffer>,
  write: (transformed: readonly Buffer[], block: Buffer) => Promise<void>,
): Promise<StreamTrailer> {
  const hash = new StreamHash();
  for (;;) {
    const next = await run.guard(decoded.next());
    if (next.done === true) break;
    const block = next.value;
    hash.update(block);
    meter.add(block.length);
    await run.guard(write(transform.push(block), block));
  }
  checkTrailer(source.trailer, { stream_bytes: hash.bytes, hash: hash.digest() }, operationOf(child));
  return source.trailer;
}

function checkTrailer(
  theirs: StreamTrailer | undefined,
  ours: StreamTrailer,
  operation: string,
): asserts theirs is StreamTrailer {
  if (theirs === undefined) {
    throw new IcbdError('LinkLost', 'the stream ended without a trailer', { operation });
  }
  if (theirs.hash === ours.hash && theirs.stream_bytes === ours.stream_bytes) return;
  const message =
    `sent were ${theirs.stream_bytes} bytes with hash ${theirs.hash}, ` +
    `received ${ours.stream_bytes} bytes with hash ${ours.hash}`;
  const hint = 'data was damaged on its way; if it happens again, test the memory and network of both nodes';
  throw new IcbdError('HashMismatch', message, { operation, hint });
}

/** A broken pipe is no cause: the child had a reason to close its stdin, and its end tells it. */
async function findCause(thrown: unknown, child: Child, run: Interruption): Promise<IcbdError> {
  if (run.cause !== undefined) return run.cause;
  if (!(thrown instanceof BrokenInput)) return IcbdError.from(thrown, operationOf(child), child.args.at(-1));
  try {
    return failureOfEarlyEnd(child, await run.guard(child.finished));
  } catch (interrupted) {
    return IcbdError.from(interrupted, operationOf(child), child.args.at(-1));
  }
}
