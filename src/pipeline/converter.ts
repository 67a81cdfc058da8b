import type { RecyclingBlocks } from './recycling_blocks.js';

/** A stream of blocks through something that converts it: a stream of Node, or a program. */
export interface Converter {
  /** Takes a block, with backpressure; calls `onTaken` once when the block is no longer needed. */
  write(block: Buffer, onTaken: () => void): Promise<void>;
  /** Says that no more will come. */
  end(): Promise<void>;
  readonly output: RecyclingBlocks;
  /** Waits until all is done. @throws why it did not go well */
  finish(): Promise<void>;
  /** Ends it at once, whatever it does; may be called at any time and again. */
  stop(): Promise<void>;
}

/**
 * Feeds the blocks to the converter and gives what comes out.
 * If the source fails, that is what is thrown; else what `finish` says.
 * @param recycle given each block when it is no longer needed
 */
export async function* convert(
  blocks: AsyncIterable<Buffer>,
  converter: Converter,
  recycle: (block: Buffer) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const source = blocks[Symbol.asyncIterator]();
  let source_failure: { readonly thrown: unknown } | undefined;
  let is_stopped = false;

  const feed = async (): Promise<void> => {
    for (;;) {
      const next = await source.next().catch(async (thrown: unknown) => {
        source_failure = { thrown };
        await converter.stop();
        return undefined;
      });
      if (next === undefined || is_stopped) return;
      if (next.done === true) return await converter.end();
      const block = next.value;
      await converter.write(block, () => recycle(block));
    }
  };
  // A converter that takes no more has a reason, which `finish` tells.
  const fed = feed().catch(() => undefined);
  let is_complete = false;
  try {
    yield* converter.output;
    // The output can end before the input only if the converter failed.
    await converter.finish();
    await fed;
    is_complete = true;
  } catch (thrown) {
    throw source_failure === undefined ? thrown : source_failure.thrown;
  } finally {
    is_stopped = true;
    await converter.stop();
    // Not waited for: a source that hangs is its owner's to end.
    if (!is_complete) source.return?.().catch(() => undefined);
  }
}
