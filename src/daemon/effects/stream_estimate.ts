import type { Clock } from '../../core/clock.js';
import type { StreamOrigin } from '../live_streams.js';

/** How long the size of a stream may be worked out, ms; without it there is no ETA. */
const estimate_timeout_ms = 120_000;

/** A transfer that is over sooner needs no ETA, and its beginning is when the estimate would compete with it, ms. */
const estimate_after_ms = 250;

export type Estimate = (
  what: { readonly path: string; readonly parent: string | undefined; readonly stream_version: 1 | 2 },
  options: { readonly signal: AbortSignal; readonly timeout_ms: number },
) => Promise<number | null>;

/**
 * Works out in a while how large a stream will be; one that cannot be estimated stays without.
 * @returns what ends it, and waits until it has ended
 */
export function estimateLater(
  estimate: Estimate,
  clock: Clock,
  { path, parent_path, source }: StreamOrigin,
  onEstimate: (total_bytes: number | null) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  let estimated: Promise<void> | undefined;
  const forget = clock.after(estimate_after_ms, () => {
    const what = { path, parent: parent_path ?? undefined, stream_version: source.stream_version };
    // What is wrong with the snapshot, the send itself will say.
    estimated = estimate(what, { signal: stopping.signal, timeout_ms: estimate_timeout_ms }).then(
      onEstimate,
      () => undefined,
    );
  });
  return async () => {
    forget();
    stopping.abort();
    await estimated;
  };
}
