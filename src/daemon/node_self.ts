/** What a node answers about itself, to its master and to operators. */
import type { DataAddress, NodeReport, ShutdownMode, ShutdownReport } from '../core/node_report.js';
import type { NodeBase } from './node_base.js';
import type { NodeStop } from './node_stop.js';
import { node_version } from './node_status.js';

/** Key of the state database under which a replica keeps the number that its master gave it. */
const number_key = 'node_id';

export interface NodeSelfOptions {
  readonly base: NodeBase;
  readonly role: NodeReport['role'];
  readonly dataAddress: () => DataAddress;
  readonly stop: NodeStop;
  /** The master has told this replica another number than before. */
  readonly onNumbered?: () => void;
}

export class NodeSelf {
  readonly #options: NodeSelfOptions;

  constructor(options: NodeSelfOptions) {
    this.#options = options;
  }

  get node_id(): number | null {
    if (this.#options.role === 'master') return 0;
    const known = this.#options.base.storage.node.meta(number_key);
    return known === undefined ? null : Number(known);
  }

  /** The master tells this replica its number in the fleet. */
  introduce(node_id: number): void {
    if (this.node_id === node_id) return;
    const { base, onNumbered } = this.#options;
    base.storage.transaction(() => base.storage.node.setMeta(number_key, String(node_id)));
    onNumbered?.();
  }

  async report(): Promise<NodeReport> {
    const { base, role, dataAddress, stop } = this.#options;
    return {
      name: base.name,
      node_id: this.node_id,
      role,
      version: node_version,
      pid: process.pid,
      started_at_ms: base.started_at_ms,
      mountpoint: base.mountpoint,
      free_bytes: await base.store.freeBytes(base.mountpoint),
      data_address: dataAddress(),
      is_stopping: stop.is_stopping,
    };
  }

  /** @param who asked, for the log */
  shutdown(mode: ShutdownMode, who: string): ShutdownReport {
    const { base, stop } = this.#options;
    base.log.info({ mode, who }, 'asked to stop');
    return stop.ask(mode, who);
  }
}
