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

/**
 * The wait before retry number `failures`, in ms.
 * Grows by `factor` up to `max_ms`. Between 75 % and 100 % of that, spread by `key`, so that many actors that
 * failed together do not come back together; the same arguments give the same wait, so machines can use it.
 *
 * @param failures failures in a row, from 1
 */
export function backoff_ms(failures: number, key: string, policy: BackoffPolicy = default_backoff): number {
  const exponent = Math.min(Math.max(failures, 1) - 1, 60);
  const full_ms = Math.min(policy.first_ms * policy.factor ** exponent, policy.max_ms);
  const spread = (hash32(`${key}:${failures}`) % 1_000) / 1_000;
  return Math.round(full_ms * (0.75 + 0.25 * spread));
}
