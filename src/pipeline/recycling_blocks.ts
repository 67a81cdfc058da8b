/**
 * Blocks in order, whose memory may be given back. Fresh memory for each block costs page faults, and V8 collects its
 * whole heap because of it; together they were more than half of the processor time of a transfer.
 */
export interface RecyclingBlocks extends AsyncIterable<Buffer> {
  /** Takes back a block that nobody looks at any more, once. Nobody has to: who does not keeps the block. */
  recycle(block: Buffer): void;
}

/** @param recycle does nothing by default */
export function withRecycle(
  blocks: AsyncIterable<Buffer>,
  recycle: (block: Buffer) => void = () => undefined,
): RecyclingBlocks {
  return { [Symbol.asyncIterator]: () => blocks[Symbol.asyncIterator](), recycle };
}
