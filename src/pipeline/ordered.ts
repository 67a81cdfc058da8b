/**
 * Maps blocks with up to `width` of them in work at once; results come in order.
 * An early return of the consumer ends the source, and every started work has ended when it is over.
 */
export async function* mapOrdered<T>(
  blocks: AsyncIterable<Buffer>,
  width: number,
  work: (block: Buffer) => Promise<T>,
): AsyncGenerator<T, void, undefined> {
  const source = blocks[Symbol.asyncIterator]();
  const working: Promise<T>[] = [];
  let incoming: Promise<IteratorResult<Buffer>> | undefined;
  let is_ended = false;
  try {
    for (;;) {
      if (!is_ended && working.length < width) incoming ??= source.next();
      const oldest = working[0];
      if (incoming === undefined && oldest === undefined) return;
      const [winner] = await Promise.race([
        ...(oldest === undefined ? [] : [oldest.then(() => ['work'] as const)]),
        ...(incoming === undefined ? [] : [incoming.then(() => ['source'] as const)]),
      ]);
      if (winner === 'work' && oldest !== undefined) {
        void working.shift();
        yield await oldest;
      } else if (incoming !== undefined) {
        const result = await incoming;
        incoming = undefined;
        if (result.done === true) {
          is_ended = true;
        } else {
          const started = work(result.value);
          // Its failure is found when its turn comes.
          started.catch(() => undefined);
          working.push(started);
        }
      }
    }
  } finally {
    // A source that still works on its next block is told to end, but not waited for: it may hang.
    incoming?.catch(() => undefined);
    const returned = is_ended ? undefined : source.return?.();
    returned?.catch(() => undefined);
    if (incoming === undefined) await returned;
    await Promise.allSettled(working);
  }
}
