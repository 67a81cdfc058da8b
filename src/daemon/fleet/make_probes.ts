/** The probes of each kind of node. */
import { Registry } from 'prom-client';
import type { ControlLink } from '../../core/link.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { ProbeCheck, Probes } from '../control/probes.js';
import type { KeepAliveReport } from '../keep_alive.js';
import type { NodeBase, StateBase } from '../node_base.js';
import { boardReplicas } from '../operations/fleet_report_operations.js';
import { Fleet } from '../operations/fleet.js';
import { system_clock } from '../system_clock.js';
import { ByteCounts } from './byte_counts.js';
import { addFleetMetrics } from './fleet_metrics.js';
import { LoopDelay } from './loop_delay.js';
import type { MasterFleet } from './master_fleet.js';
import { gauge } from './metric_kinds.js';
import { addNodeMetrics, addRuntimeMetrics } from './node_metrics.js';
import { NodeProbes } from './node_probes.js';
import { addTransferMetrics } from './transfer_metrics.js';

/** Probes, and what ends their looking. */
export interface OpenProbes {
  readonly probes: Probes;
  readonly close: () => void;
}

interface Shared {
  readonly role: 'master' | 'replica' | 'nameserver';
  readonly base: StateBase;
  readonly epoch: () => number;
  readonly isStopping: () => boolean;
  readonly checks: () => readonly ProbeCheck[];
}

function open({ role, base, epoch, isStopping, checks }: Shared): OpenProbes & { registry: Registry } {
  const registry = new Registry();
  const delay = new LoopDelay(system_clock);
  const { name: node, storage, started_at_ms } = base;
  addNodeMetrics({ registry, role, node, storage, started_at_ms, epoch, delay });
  const probes = new NodeProbes({ registry, storage, delay, isStopping, checks });
  return { registry, probes, close: () => delay.close() };
}

/** Where other nodes dial. */
export interface LinksProbe {
  /** `host:port` */
  readonly address: string;
  readonly isListening: () => boolean;
}

function linksCheck({ address, isListening }: LinksProbe): ProbeCheck {
  const ok = isListening();
  return { name: 'links', ok, text: ok ? `nodes can dial ${address}` : `nobody listens on ${address}` };
}

export interface MasterProbesOptions {
  readonly base: NodeBase;
  readonly runtime: Runtime;
  /** @throws IcbdError `ReplicaOffline` */
  readonly linkTo: (node: string) => ControlLink;
  readonly fleet: MasterFleet;
  /** Names of the replicas in the config. */
  readonly configured: readonly string[];
  readonly images: () => readonly string[];
  readonly keepAliveOf: (node: string) => KeepAliveReport | undefined;
  readonly links: LinksProbe;
  readonly isStopping: () => boolean;
}

/** To be made before the runtime starts, so that no commit is missed. */
export function makeMasterProbes(options: MasterProbesOptions): OpenProbes {
  const { base, runtime, fleet, configured, links, isStopping } = options;
  const { name, storage, progress } = base;
  const known = new Fleet({ name, storage, configured: new Set(configured), linkTo: options.linkTo });
  const replicas = () => boardReplicas(known);
  const opened = open({
    role: 'master',
    base,
    epoch: () => runtime.epoch,
    isStopping,
    checks: () => [linksCheck(links)],
  });
  const { registry } = opened;
  addRuntimeMetrics({ registry, storage, runtime, kinds: ['image', 'replica', 'transfer'] });
  addTransferMetrics({
    registry,
    runtime,
    storage,
    progress,
    counts: fleet.counts,
    kind: 'transfer',
    replicas: configured,
    now: () => system_clock.now(),
  });
  const { images, keepAliveOf } = options;
  addFleetMetrics({
    registry,
    replicas,
    images,
    keepAliveOf,
    board: fleet.board,
    links_lost: fleet.links_lost,
  });
  return opened;
}

export interface ReplicaProbesOptions {
  readonly base: NodeBase;
  readonly runtime: Runtime;
  readonly isLinked: () => boolean;
  readonly isStopping: () => boolean;
}

/** A replica is ready without its master: what it has is whole, and it keeps dialling. */
export function makeReplicaProbes({ base, runtime, isLinked, isStopping }: ReplicaProbesOptions): OpenProbes {
  const { name, storage, progress } = base;
  const opened = open({
    role: 'replica',
    base,
    epoch: () => runtime.epoch,
    isStopping,
    checks: () => [],
  });
  const { registry } = opened;
  addRuntimeMetrics({ registry, storage, runtime, kinds: ['image', 'reception'] });
  addTransferMetrics({
    registry,
    runtime,
    storage,
    progress,
    counts: new ByteCounts(progress, () => name),
    kind: 'reception',
    replicas: [name],
    now: () => system_clock.now(),
  });
  gauge({ registry, name: 'master_linked', help: '1: the link to the master is up.' }, () => [
    [isLinked() ? 1 : 0],
  ]);
  return opened;
}

/** A name server has no actors. */
export function makeNameServerProbes(base: StateBase, epoch: number, links: LinksProbe): OpenProbes {
  return open({
    role: 'nameserver',
    base,
    epoch: () => epoch,
    isStopping: () => false,
    checks: () => [linksCheck(links)],
  });
}
