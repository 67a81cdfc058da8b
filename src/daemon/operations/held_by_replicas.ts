import { IcbdError } from '../../core/errors.js';
import type { SnapshotInfo } from '../../core/lineage.js';
import type { ControlLink } from '../../core/link.js';
import { lineageSchema } from '../effects/plan.js';
import type { HeldByReplicas } from '../images/snapshot_needs.js';
import type { Fleet } from './fleet.js';

/** Time for a replica to say what it holds, before what was sent to it has to do. */
const answer_ms = 2_000;

/** @returns undefined if it does not say */
async function heldBy(link: ControlLink, image: string): Promise<SnapshotInfo[] | undefined> {
  try {
    const request = { method: 'lineage', params: { image } };
    return lineageSchema.parse(await link.request(request, { timeout_ms: answer_ms }));
  } catch (error) {
    const has_no_image = error instanceof IcbdError && error.code === 'ImageNotFound';
    return has_no_image ? [] : undefined;
  }
}

/** Asks all replicas that are online what they hold of an image, for a short time. */
export async function heldByReplicas(fleet: Fleet, image: string): Promise<HeldByReplicas> {
  const answers = await Promise.all(
    [...fleet.links()].map(async ([name, link]) => [name, await heldBy(link, image)] as const),
  );
  return new Map(answers.flatMap(([name, held]) => (held === undefined ? [] : [[name, held] as const])));
}
