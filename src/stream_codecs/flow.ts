/** What all codecs do with the chunks before and after them. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorOfAbort, onAbort } from '../pipeline/abort_reason.js';

export type Chunks = AsyncGenerator<Buffer, void, undefined>;

/** After so many bytes the event loop gets a turn: others want to work, and native memory is freed only there. */
const turn_bytes = 2 * 1024 * 1024;

/** The same bytes in blocks of exactly `block_bytes`, but for the last, which is smaller or missing. */
export async function* inBlocks(source: AsyncIterable<Buffer>, block_bytes: number): Chunks {
  let pending: Buffer[] = [];
  let pending_bytes = 0;
  for await (const chunk of source) {
    let offset = 0;
    while (pending_bytes + chunk.length - offset >= block_bytes) {
      const end = offset + block_bytes - pending_bytes;
      const part = chunk.subarray(offset, end);
      yield pending_bytes === 0 ? part : Buffer.concat([...pending, part], block_bytes);
      pending = [];
      pending_bytes = 0;
      offset = end;
    }
    if (offset === chunk.length) continue;
    // A copy: who gave a large chunk may want it back, and a small rest would keep it all.
    pending.push(Buffer.from(chunk.subarray(offset)));
    pending_bytes += chunk.length - offset;
    if (pending.length >= 1024) pending = [Buffer.concat(pending)];
  }
  if (pending_bytes > 0) yield Buffer.concat(pending);
}

/**
 * The same chunks, without empty ones, and with turns of the event loop between them.
 * @throws IcbdError as `untilAborted`: much can come out for little that went in
 */
export async function* withTurns(
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
  operation: string,
): Chunks {
  let bytes = 0;
  for await (const chunk of chunks) {
    if (signal?.aborted === true) throw errorOfAbort(signal, operation, '');
    if (chunk.length === 0) continue;
    yield chunk;
    bytes += chunk.length;
    if (bytes < turn_bytes) continue;
    bytes = 0;
    await nextTurn();
  }
}

/**
 * The same chunks until the signal aborts, also while the source hangs.
 * @throws IcbdError what the signal was aborted with, else `Interrupted`
 */
export async function* untilAborted(
  source: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
  operation: string,
): Chunks {
  const iterator = source[Symbol.asyncIterator]();
  let is_over = false;
  const next = (): Promise<IteratorResult<Buffer, unknown>> =>
    new Promise((resolve, reject) => {
      const forget = onAbort(signal, () => {
        if (signal !== undefined) reject(errorOfAbort(signal, operation, ''));
      });
      if (signal?.aborted === true) return;
      iterator.next().then(resolve, reject).finally(forget);
    });
  try {
    for (;;) {
      const result = await next();
      is_over = result.done === true;
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    // Not waited for: a source that hangs is its owner's to end.
    if (!is_over) iterator.return?.().catch(() => undefined);
  }
}
