import type { Codec } from '../core/codecs.js';
import type { DataSink, StreamTrailer } from '../core/data_path.js';
import { IcbdError } from '../core/errors.js';
import { errorOfAbort, onAbort } from './abort_reason.js';
import type { Child } from './child.js';
import { failureOfChild } from './child_failure.js';
import { encode } from './codec.js';
import { StreamHash } from './hash.js';
import { Interruption } from './interruption.js';
import type { Meter } from './meter.js';
import { operationOf } from './program.js';

/** A sink that says when it no longer needs a block, so that its memory is used again. */
export interface RecyclingSink extends DataSink {
  /** Set by the pump; to be called with exactly the block that was written, once, after it went to the network. */
  onWritten?: ((block: Buffer) => void) | undefined;
}

export interface SendPumpOptions {
  /** Its stdout is the stream. */
  readonly child: Child;
  readonly codec: Codec;
  readonly sink: RecyclingSink;
  /** Counts the bytes of the stream as they are read from the child. */
  readonly meter: Meter;
  readonly signal: AbortSignal;
}

/**
 * Sends the whole output of a child; returns what was told to the receiver as proof of it.
 *
 * If anything fails, or the signal aborts, the child is killed and has ended, and the sink is aborted with the same
 * reason, before the first cause is thrown.
 *
 * @throws IcbdError of the child (its stop reason, `BtrfsFailed`, `ProcessFailed`), the sink, the codec or the signal
 */
export async function pumpSend(options: SendPumpOptions): Promise<StreamTrailer> {
  const { child, codec, sink, meter, signal } = options;
  const operation = operationOf(child);
  const run = new Interruption((cause) => {
    child.stop(cause.toReport());
    sink.abort(cause.toReport());
  });
  const forget = onAbort(signal, () => run.fail(errorOfAbort(signal, operation, child.program)));
  // A child that is stopped or fails must end the pump also while that waits for a slow network.
  void child.finished.then((end) => {
    const failure = failureOfChild(child, end);
    if (failure !== undefined) run.fail(failure);
  });

  const { stdout } = child;
  const hash = new StreamHash();
  let encoded: AsyncIterator<Buffer> | undefined;
  try {
    if (stdout === undefined) throw new IcbdError('Internal', 'the child has no stdout', { operation });
    const blocks = encode(codec, observe(stdout, hash, meter), (block) => stdout.recycle(block));
    sink.onWritten = (block) => blocks.recycle(block);
    encoded = blocks[Symbol.asyncIterator]();
    for (;;) {
      const next = await run.guard(encoded.next());
      if (next.done === true) break;
      await run.guard(sink.write(next.value));
    }
    const failure = failureOfChild(child, await run.guard(child.finished));
    if (failure !== undefined) throw failure;
    const trailer: StreamTrailer = { stream_bytes: hash.bytes, hash: hash.digest() };
    await run.guard(sink.end(trailer));
    return trailer;
  } catch (thrown) {
    const cause = run.cause ?? IcbdError.from(thrown, operation, child.args.at(-1));
    run.fail(cause);
    stdout?.destroy();
    await encoded?.return?.().catch(() => undefined);
    await child.finished;
    throw cause;
  } finally {
    forget();
    sink.onWritten = undefined;
  }
}

async function* observe(
  blocks: AsyncIterable<Buffer>,
  hash: StreamHash,
  meter: Meter,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const block of blocks) {
    hash.update(block);
    meter.add(block.length);
    yield block;
  }
}
