/** Waiting times between retries. */
export interface BackoffPolicy {
  readonly first_ms: number;
  readonly factor: number;
  readonly max_ms: number;
}

export const default_backoff: BackoffPolicy = { first_ms: 1_000, factor: 2, max_ms: 300_000 };

/** FNV-1a, for spreading only. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}

const windowOf = (failures: number, { first_ms, factor, max_ms }: BackoffPolicy): number =>
  Math.min(first_ms * factor ** Math.min(Math.max(failures, 1) - 1, 60), max_ms);

/** Where `key` lies between 0 and 1: the same always, and another for each key. */
export function spreadOf(key: string): number {
  // Names that differ in their last characters only have hashes that lie in heaps; this parts them.
  let mixed = hash32(key);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * The wait before retry number `failures`, in ms, with full jitter: anything between 0 and the growing window, so
 * that many that lost the same peer at the same moment come back one by one. Not for machines, which have no
 * randomness.
 *
 * @param failures failures in a row, from 1
 * @param random from 0 to below 1
 */
export function jittered_ms(failures: number, random: number, policy: BackoffPolicy): number {
  return Math.round(windowOf(failures, policy) * random);
}

/**
 * The wait before retry number `failures`, in ms.
 * Grows by `factor` up to `max_ms`. Between 75 % and 100 % of that, spread by `key`, so that many actors that
 * failed together do not come back together; the same arguments give the same wait, so machines can use it.
 *
 * @param failures failures in a row, from 1
 */
export function backoff_ms(failures: number, key: string, policy: BackoffPolicy = default_backoff): number {
  const spread = (hash32(`${key}:${failures}`) % 1_000) / 1_000;
  return Math.round(windowOf(failures, policy) * (0.75 + 0.25 * spread));
}
