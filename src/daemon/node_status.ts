import { readFileSync } from 'node:fs';
import type { StatusReport } from '../core/report.js';
import type { NodeBase } from './node_base.js';

export const { version: node_version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

type Own =
  | 'role'
  | 'protocol_version'
  | 'epoch'
  | 'link_address'
  | 'is_linked'
  | 'tunnel'
  | 'replicas_online'
  | 'replicas_total'
  | 'images'
  | 'transfers_by_state';

/** The status report: what only the role knows, and what every node can say. */
export async function nodeStatus(base: NodeBase, own: Pick<StatusReport, Own>): Promise<StatusReport> {
  const { storage, store, mountpoint } = base;
  return {
    ...own,
    node: base.name,
    page_url: base.page_url,
    version: node_version,
    pid: process.pid,
    started_at_ms: base.started_at_ms,
    mountpoint,
    free_bytes: await store.freeBytes(mountpoint),
    database_bytes: storage.sizeBytes(),
    parked: storage.actors
      .parked()
      .map(({ kind, id, parked_reason }) => ({ kind, id, reason: parked_reason })),
  };
}
