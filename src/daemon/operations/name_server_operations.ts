import { IcbdError } from '../../core/errors.js';
import { protocol_version } from '../../core/limits.js';
import type { NameService } from '../../core/name_service.js';
import type { StateBase } from '../node_base.js';
import { node_version } from '../node_status.js';
import type { Operations } from './operations.js';

export interface NameServerOperationsOptions {
  readonly base: StateBase;
  /** With an operator's rights. */
  readonly names: NameService;
  /** Starts of this node so far. */
  readonly epoch: number;
  /** `host:port` that nodes dial. */
  readonly link_address: string;
}

/** A group of operations that a name server has not: each says so. */
function none<K extends keyof Operations>(_group: K, what: string): Operations[K] {
  const refuse = async (): Promise<never> => {
    throw new IcbdError('NotPermitted', `this is a name server: it has no ${what}`, {
      operation: what,
      hint: "name the master's socket with --socket or ICBDREP_SOCKET",
    });
  };
  return new Proxy({} as Operations[K] & object, { get: () => refuse });
}

/** What an operator can ask a name server for: the names, and how it is. */
export function nameServerOperations({
  base,
  names,
  epoch,
  link_address,
}: NameServerOperationsOptions): Operations {
  return {
    status: async () => ({
      role: 'nameserver',
      node: base.name,
      version: node_version,
      protocol_version,
      pid: process.pid,
      epoch,
      started_at_ms: base.started_at_ms,
      mountpoint: '',
      free_bytes: 0,
      database_bytes: base.storage.sizeBytes(),
      link_address,
      page_url: base.page_url,
      is_linked: true,
      replicas_online: 0,
      replicas_total: 0,
      images: 0,
      transfers_by_state: {},
      parked: [],
      names: (await names.ping()).names,
    }),
    names,
    nodes: none('nodes', 'images, and answers no requests about nodes'),
    doctor: none('doctor', 'images to examine'),
    replicas: none('replicas', 'replicas'),
    fleet: none('fleet', 'replicas'),
    images: none('images', 'images'),
    snapshots: none('snapshots', 'snapshots'),
    verifications: none('verifications', 'snapshots to compare'),
    transfers: none('transfers', 'transfers'),
    verbs: none('verbs', 'transfers'),
    inspection: none('inspection', 'transfers, replicas or images'),
  };
}
