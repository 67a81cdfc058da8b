/** What is told of transfers on the master, and of receptions on a replica. */
import { Histogram, type Registry } from 'prom-client';
import { machines } from '../../actors/machines.js';
import { error_codes, isErrorCode } from '../../core/errors.js';
import type { ActorRecord, EventRecord } from '../../core/records.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Storage } from '../../storage/storage.js';
import type { ProgressBoard } from '../progress_board.js';
import type { ByteCounts } from './byte_counts.js';
import { type Sample, Totals, gauge, metric_prefix, total } from './metric_kinds.js';

/** Bounds of the buckets of durations, seconds. */
const duration_bounds_s = [1, 5, 15, 60, 300, 900, 3_600, 4 * 3_600, 12 * 3_600, 24 * 3_600];

const outcomes = ['completed', 'failed', 'refused', 'cancelled'] as const;
/** States that an actor comes into because something went wrong. */
const failure_states = new Set(['resting', 'starting_over', 'failed', 'refused']);

export interface TransferMetricsOptions {
  readonly registry: Registry;
  readonly runtime: Runtime;
  readonly storage: Storage;
  readonly progress: ProgressBoard;
  readonly counts: ByteCounts;
  readonly kind: 'transfer' | 'reception';
  /** Names of the replicas: those in the config, or this node. */
  readonly replicas: readonly string[];
  /** Unix ms. */
  readonly now: () => number;
}

/** States of the machine, and `parked`. */
function statesOf(kind: 'transfer' | 'reception'): string[] {
  return [...Object.keys(machines[kind].machine.states), 'parked'];
}

/** The code of the failure that brought an actor where it is now; undefined: none. */
function failureCode({ snapshot }: ActorRecord): string | undefined {
  const { last_error, error } = snapshot.context as {
    readonly last_error?: { readonly code: string } | null;
    readonly error?: { readonly code: string } | null;
  };
  const code = (last_error ?? error)?.code;
  return code !== undefined && isErrorCode(code) ? code : undefined;
}

/** Counts what happens to transfers, commit by commit. */
class TransferCounts {
  readonly failures = new Totals(Object.keys(error_codes));
  readonly rests: Totals;
  readonly interruptions: Totals;
  readonly #options: TransferMetricsOptions;
  readonly #durations: Histogram;

  constructor(options: TransferMetricsOptions, durations: Histogram) {
    this.#options = options;
    this.#durations = durations;
    this.rests = new Totals(options.replicas);
    this.interruptions = new Totals(options.replicas);
  }

  note({ kind, id, state, state_before, event }: EventRecord): void {
    if (kind !== this.#options.kind || state === state_before || event.type === 'restarted') return;
    const is_outcome = (outcomes as readonly string[]).includes(state);
    if (!is_outcome && !failure_states.has(state) && state !== 'disconnected') return;
    const actor = this.#options.storage.actors.load({ kind, id });
    if (actor === undefined) return;
    const replica = this.#replicaOf(actor);
    if (state === 'resting') this.rests.add(replica);
    if (state === 'disconnected') this.interruptions.add(replica);
    const code = failure_states.has(state) ? failureCode(actor) : undefined;
    if (code !== undefined) this.failures.add(code);
    if (is_outcome) {
      const duration_s = Math.max(0, (actor.updated_at_ms - actor.created_at_ms) / 1_000);
      this.#durations.observe({ outcome: state }, duration_s);
    }
  }

  /** Of one that is not in the config any more, nothing is told. */
  #replicaOf({ labels }: ActorRecord): string {
    return labels.replica ?? this.#options.replicas[0] ?? '';
  }
}

export function addTransferMetrics(options: TransferMetricsOptions): void {
  const { registry, runtime, storage, kind, replicas } = options;
  const durations = new Histogram({
    name: `${metric_prefix}${kind}_duration_seconds`,
    help: `Time from the making of a ${kind} to its end, by how it ended.`,
    labelNames: ['outcome'],
    buckets: duration_bounds_s,
    registers: [registry],
  });
  for (const outcome of kind === 'transfer' ? outcomes.filter((name) => name !== 'refused') : outcomes) {
    durations.zero({ outcome });
  }
  const counted = new TransferCounts(options, durations);
  runtime.subscribe(({ events }) => events.forEach((event) => counted.note(event)));
  const known = new Set(replicas);
  const ofKnown = (samples: readonly Sample[]): Sample[] =>
    samples.filter(([, name]) => known.has(name ?? ''));
  gauge(
    { registry, name: `${kind}s`, help: `How many ${kind}s are in each state.`, labels: ['state'] },
    () => {
      const counts = storage.actors.count({ kind });
      return statesOf(kind).map((state) => [counts[state] ?? 0, state]);
    },
  );
  total(
    {
      registry,
      name: `${kind}_failures_total`,
      help: 'Failed tries and ends, by error code.',
      labels: ['code'],
    },
    () => counted.failures.samples(),
  );
  total(
    {
      registry,
      name: `${kind}_interruptions_total`,
      help: 'Times that a link was lost under one.',
      labels: ['replica'],
    },
    () => ofKnown(counted.interruptions.samples()),
  );
  if (kind === 'transfer') {
    total(
      {
        registry,
        name: 'transfer_rests_total',
        help: 'Failed tries after which it rests and tries again.',
        labels: ['replica'],
      },
      () => ofKnown(counted.rests.samples()),
    );
  }
  addByteMetrics(options, ofKnown);
}

function addByteMetrics(
  { registry, kind, counts, progress, storage, replicas, now }: TransferMetricsOptions,
  ofKnown: (samples: readonly Sample[]) => Sample[],
): void {
  const way = kind === 'transfer' ? 'sent' : 'received';
  const bytes = (of: 'stream_bytes' | 'link_bytes'): Sample[] => {
    const totals = counts.totals();
    return replicas.map((replica) => [totals.get(replica)?.[of] ?? 0, replica]);
  };
  const labels = ['replica'];
  total(
    { registry, name: `${way}_stream_bytes_total`, help: `Bytes of streams ${way}, uncompressed.`, labels },
    () => bytes('stream_bytes'),
  );
  total(
    { registry, name: `${way}_link_bytes_total`, help: `The same as they went over links.`, labels },
    () => bytes('link_bytes'),
  );
  gauge(
    {
      registry,
      name: 'checkpoint_age_seconds',
      help: 'Time since the last checkpoint of those that run, the longest for each replica.',
      labels,
    },
    () => {
      const ages = new Map<string, number>();
      for (const { actor, checkpoint_at_ms, started_at_ms } of progress.all()) {
        const replica = storage.actors.load(actor)?.labels.replica ?? replicas[0] ?? '';
        // One that was made in an earlier run says nothing of how old what runs now has become.
        const age_s = (now() - Math.max(checkpoint_at_ms ?? 0, started_at_ms)) / 1_000;
        ages.set(replica, Math.max(age_s, ages.get(replica) ?? 0));
      }
      return ofKnown([...ages].map(([replica, age_s]) => [age_s, replica]));
    },
  );
}
