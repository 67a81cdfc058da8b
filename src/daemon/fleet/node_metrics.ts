/** What every node tells of itself. */
import { type Registry, collectDefaultMetrics } from 'prom-client';
import type { ActorKind } from '../../core/records.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Storage } from '../../storage/storage.js';
import { node_version } from '../node_status.js';
import type { LoopDelay } from './loop_delay.js';
import { gauge, total } from './metric_kinds.js';

/** Of prom-client's own: gauges that are called totals, with labels that nobody bounds. */
const misnamed = ['handles', 'requests', 'resources'].flatMap((what) => [
  `nodejs_active_${what}`,
  `nodejs_active_${what}_total`,
]);

export interface NodeMetricsOptions {
  readonly registry: Registry;
  readonly role: 'master' | 'replica' | 'nameserver';
  readonly node: string;
  readonly storage: Storage;
  /** Unix ms. */
  readonly started_at_ms: number;
  readonly epoch: () => number;
  readonly delay: LoopDelay;
}

export function addNodeMetrics(options: NodeMetricsOptions): void {
  const { registry, role, node, storage, started_at_ms, epoch, delay } = options;
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  gauge(
    { registry, name: 'build_info', help: 'What runs here; always 1.', labels: ['version', 'role', 'node'] },
    () => [[1, node_version, role, node]],
  );
  gauge({ registry, name: 'start_time_seconds', help: 'Unix time of the start of the node.' }, () => [
    [started_at_ms / 1_000],
  ]);
  gauge({ registry, name: 'epoch', help: 'Starts of this node so far.' }, () => [[epoch()]]);
  gauge(
    { registry, name: 'database_size_bytes', help: 'Size of the state database without its log.' },
    () => [[storage.sizeBytes()]],
  );
  gauge(
    {
      registry,
      name: 'event_loop_delay_max_seconds',
      help: 'Longest time for which the event loop was held up, in the last half to one minute.',
    },
    () => [[delay.recent().max_s]],
  );
  gauge(
    {
      registry,
      name: 'event_loop_delay_p99_seconds',
      help: 'The 99th percentile of the same, of the worse half of a minute.',
    },
    () => [[delay.recent().p99_s]],
  );
}

export interface RuntimeMetricsOptions {
  readonly registry: Registry;
  readonly storage: Storage;
  readonly runtime: Runtime;
  /** Kinds of actors that this node has. */
  readonly kinds: readonly ActorKind[];
}

/** What nodes with actors tell. */
export function addRuntimeMetrics({ registry, storage, runtime, kinds }: RuntimeMetricsOptions): void {
  let commits = 0;
  let events = 0;
  runtime.subscribe((commit) => {
    commits += 1;
    events += commit.events.length;
  });
  total({ registry, name: 'commits_total', help: 'Commits since the start.' }, () => [[commits]]);
  total({ registry, name: 'events_total', help: 'Events of actors since the start.' }, () => [[events]]);
  gauge(
    {
      registry,
      name: 'parked_actors',
      help: 'Actors that take no events until somebody looks.',
      labels: ['kind'],
    },
    () => {
      const parked = storage.actors.parked();
      return kinds.map((kind) => [parked.filter((actor) => actor.kind === kind).length, kind]);
    },
  );
  gauge({ registry, name: 'timers_pending', help: 'Timers of actors that have not fired yet.' }, () => [
    [storage.timers.count()],
  ]);
  gauge(
    { registry, name: 'outbox_messages', help: 'Messages that another node has not acknowledged yet.' },
    () => [[storage.messages.count()]],
  );
}
