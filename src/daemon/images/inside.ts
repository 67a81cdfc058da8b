import { realpath } from 'node:fs/promises';
import path from 'node:path';

/** Whether what stands at `inner`, wherever symlinks lead, lies somewhere in the directory `outer`. */
export async function isInside(outer: string, inner: string): Promise<boolean> {
  const [from, to] = await Promise.all(
    [outer, inner].map(async (name) => realpath(name).catch(() => undefined)),
  );
  return from !== undefined && to?.startsWith(`${from}${path.sep}`) === true;
}
