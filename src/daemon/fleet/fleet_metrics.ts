/** What a master tells of its replicas, and of what they hold. */
import type { Registry } from 'prom-client';
import type { CopyReport } from '../../core/fleet_report.js';
import type { KeepAliveReport } from '../keep_alive.js';
import type { BoardReplica, FleetBoard } from './fleet_board.js';
import { type Sample, gauge, total } from './metric_kinds.js';

const copy_states: readonly CopyReport['state'][] = [
  'in_sync',
  'behind',
  'in_transfer',
  'failed',
  'empty',
  'unknown',
];

export interface FleetMetricsOptions {
  readonly registry: Registry;
  readonly board: FleetBoard;
  /** Those in the config. */
  readonly replicas: () => readonly BoardReplica[];
  readonly images: () => readonly string[];
  readonly keepAliveOf: (node: string) => KeepAliveReport | undefined;
  readonly links_lost: ReadonlyMap<string, number>;
}

export function addFleetMetrics(options: FleetMetricsOptions): void {
  const { registry, board, replicas, images, keepAliveOf, links_lost } = options;
  const labels = ['replica'];
  gauge({ registry, name: 'replica_online', help: '1: the link of the replica is up.', labels }, () =>
    replicas().map(({ name, is_online }) => [is_online ? 1 : 0, name]),
  );
  gauge(
    {
      registry,
      name: 'replica_round_trip_seconds',
      help: 'Of the last keep-alive that was answered.',
      labels,
    },
    () =>
      replicas().flatMap(({ name }): Sample[] => {
        const round_trip_ms = keepAliveOf(name)?.round_trip_ms ?? null;
        return round_trip_ms === null ? [] : [[round_trip_ms / 1_000, name]];
      }),
  );
  total(
    {
      registry,
      name: 'replica_link_losses_total',
      help: 'Control links that were lost since the start.',
      labels,
    },
    () => replicas().map(({ name }) => [links_lost.get(name) ?? 0, name]),
  );
  addCopyMetrics(registry, () => board.copies(images(), replicas()));
}

/** Copies of which nothing is known have no lag: no sample is better than a wrong one. */
function addCopyMetrics(registry: Registry, copies: () => readonly CopyReport[]): void {
  // The three are asked for in one turn; made once for all of them.
  let made: readonly CopyReport[] | undefined;
  const current = (): readonly CopyReport[] => {
    if (made === undefined) {
      made = copies();
      setImmediate(() => {
        made = undefined;
      });
    }
    return made;
  };
  const labels = ['image', 'replica'];
  const known = (value: (copy: CopyReport) => number) => (): Sample[] =>
    current()
      .filter(
        ({ state, known_at_ms, newest }) => state !== 'unknown' && (known_at_ms !== null || newest !== ''),
      )
      .map((copy) => [value(copy), copy.image, copy.replica]);
  gauge(
    {
      registry,
      name: 'replication_lag_seconds',
      help: 'Time since the first snapshot was taken that the replica lacks; 0: it is in sync.',
      labels,
    },
    known(({ lag_s }) => lag_s),
  );
  gauge(
    {
      registry,
      name: 'snapshots_behind',
      help: 'Snapshots that are newer than the newest it holds.',
      labels,
    },
    known(({ snapshots_behind }) => snapshots_behind),
  );
  gauge(
    { registry, name: 'copies', help: 'Copies of images on replicas by how they stand.', labels: ['state'] },
    () => copy_states.map((state) => [current().filter((copy) => copy.state === state).length, state]),
  );
}
