/** Which snapshots must not be deleted, because somebody needs them. */
import { IcbdError } from '../../core/errors.js';
import type { SnapshotNeed } from '../../core/report.js';

/** One of them in words. */
function describe({ kind, node, transfer, since_ms, otherwise }: SnapshotNeed): string {
  const since = `since ${new Date(since_ms).toISOString().replace(/\.\d+Z$/, 'Z')}`;
  switch (kind) {
    case 'sent':
      return `the transfer ${transfer} to ${node} sends it, ${since}`;
    case 'received':
      return `the transfer ${transfer} from ${node} receives it, ${since}`;
    case 'parent':
      return `the transfer ${transfer} with ${node} is based on it, ${since}`;
    case 'base': {
      const cost = otherwise === '' ? 'would be a full one' : `would have to be based on ${otherwise}`;
      return `it is the base of the next increment with ${node}, ${since}; without it, the next transfer ${cost}`;
    }
  }
}

/**
 * Refuses to delete a snapshot that somebody needs.
 * @param needs those of all snapshots of the image
 * @throws IcbdError `SnapshotInUse` that names all of them
 */
export function assertNotNeeded(image: string, number: string, needs: readonly SnapshotNeed[]): void {
  const own = needs.filter((need) => need.number === number);
  if (own.length === 0) return;
  const transfers = [...new Set(own.map(({ transfer }) => transfer))].filter((id) => id !== '');
  const cancel = transfers.map((id) => `icbdrep transfer cancel ${id}`).join('; ');
  const hints = [
    ...(transfers.length === 0 ? [] : [`wait for it, or cancel it on the master: ${cancel}`]),
    '--force deletes it all the same',
  ];
  throw new IcbdError('SnapshotInUse', `${image}/${number} is needed: ${own.map(describe).join('; ')}`, {
    operation: 'delete snapshot',
    subject: `${image}/${number}`,
    hint: hints.join('; '),
  });
}
