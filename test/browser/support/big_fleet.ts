/** A fleet as large as the page has to bear, made up by rule. */
import type { CopyReport, FleetReport } from '../../../src/core/fleet_report.js';
import type { ImageReport, ReplicaReport, SnapshotReport, TransferReport } from '../../../src/core/report.js';
import type { VerbReport } from '../../../src/core/verbs.js';

/** When all of it is. */
export const at_ms = Date.UTC(2026, 10, 23, 12, 0, 0);
const minute_ms = 60_000;

export const image_names = [
  'debian-12',
  'win11-desk',
  'postgres-a',
  'postgres-b',
  'build-agent',
  'mail',
  'ubuntu-24',
  'gitlab',
  'rocky-9',
  'edge-proxy',
  'win-server',
  'desk-pool-1',
  'desk-pool-2',
  'desk-pool-3',
  'kiosk',
  'grafana',
  'sap-dev',
  'sap-test',
  'licence',
  'archive',
];

export interface FleetSize {
  readonly replicas: number;
  readonly images: number;
  readonly transfers: number;
}

/** The same number for the same text, between 0 and 1. */
function chance(text: string): number {
  let hash = 2_166_136_261;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 2_246_822_507);
  hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_909);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

const sites = ['ber', 'ham', 'muc', 'vie', 'zrh'];

export function replicaName(index: number): string {
  return `${sites[index % sites.length]}-${String(Math.floor(index / sites.length) + 1).padStart(2, '0')}`;
}

function newestOf(image: string): number {
  return 20 + Math.floor(chance(image) * 400);
}

function stateOf(image: string, replica: string): CopyReport['state'] {
  const value = chance(`${image}/${replica}`);
  if (value < 0.86) return 'in_sync';
  if (value < 0.93) return 'behind';
  if (value < 0.96) return 'in_transfer';
  if (value < 0.985) return 'failed';
  return value < 0.993 ? 'empty' : 'unknown';
}

/** Seconds between two snapshots of an image. */
function intervalOf(image: string): number {
  return 1_200 + Math.floor(chance(`interval ${image}`) * 14_000);
}

function isOffline(replica: string): boolean {
  return chance(`offline ${replica}`) > 0.97;
}

export function makeCopy(image: string, replica: string, index: number): CopyReport {
  const newest = newestOf(image);
  const state = stateOf(image, replica);
  const is_behind = state === 'behind' || state === 'failed' || state === 'in_transfer';
  const behind = is_behind ? 1 + Math.floor(chance(`behind ${image} ${replica}`) * 5) : 0;
  const all_behind = state === 'empty' ? newest : behind;
  return {
    image,
    replica,
    state,
    is_online: !isOffline(replica),
    newest: state === 'empty' || state === 'unknown' ? '' : String(newest - behind),
    snapshots_behind: all_behind,
    lag_s: Math.floor(all_behind * intervalOf(image) - (all_behind === 0 ? 0 : chance(replica) * 600)),
    transfers: state === 'in_transfer' ? [`${index + 1}-a0`] : [],
    failed_transfer: state === 'failed' ? `${index + 1}-f0` : '',
    known_at_ms: state === 'unknown' ? null : at_ms - 20_000,
  };
}

export function makeFleet({ replicas, images }: FleetSize): FleetReport {
  const names = image_names.slice(0, images);
  const replica_names = Array.from({ length: replicas }, (_, index) => replicaName(index));
  return {
    at_ms,
    images: names.map((name) => ({
      name,
      newest: String(newestOf(name)),
      snapshot_count: 14,
      newest_at_ms: at_ms - Math.floor(chance(`age ${name}`) * 60) * minute_ms,
    })),
    replicas: replica_names.map((name, index) => ({
      name,
      node_id: index + 1,
      state: isOffline(name) ? 'offline' : chance(`suspect ${name}`) > 0.985 ? 'suspect' : 'online',
    })),
    copies: replica_names.flatMap((replica, row) =>
      names.map((image, column) => makeCopy(image, replica, row * names.length + column)),
    ),
  };
}

const allowed = (verb: VerbReport['verb'], is_allowed: boolean): VerbReport => ({
  verb,
  is_allowed,
  reason: is_allowed ? '' : 'the state does not allow it',
});

const errors = [
  {
    code: 'SnapshotConflict',
    message: 'another snapshot stands under this number on the replica',
    hint: 'look at it with icbdrep snapshot list, and delete or rename it',
  },
  {
    code: 'NoSpace',
    message: 'no space left on the replica: 1.2 GiB are missing',
    hint: 'free some, then run it again',
  },
] as const;

function transferState(index: number): string {
  if (index < 6) return 'sending';
  if (index < 9) return 'queued';
  if (index === 9) return 'resting';
  if (index === 10) return 'paused';
  const value = chance(`transfer ${index}`);
  if (value < 0.93) return 'completed';
  return value < 0.97 ? 'failed' : 'cancelled';
}

const descriptions: Readonly<Record<string, string>> = {
  sending: 'the stream runs from btrfs send to the replica',
  queued: 'waits for its turn: the replica online, earlier transfers of the image done',
  resting: 'something failed; tries again after a while',
  paused: 'an operator halted it; what the replica has is kept until it is resumed',
  completed: 'the replica holds the snapshot under its name',
  failed: 'trying again cannot help, or did not for too long; the replica keeps what it received',
  cancelled: 'an operator ended it; nothing of it is left on the replica',
};

function makeProgress(index: number): TransferReport['progress'] {
  const total_bytes = 3_000_000_000 + index * 700_000_000;
  const stream_bytes = Math.floor(total_bytes * (0.12 + 0.13 * index));
  const rate_bytes_per_s = 120_000_000 + index * 9_000_000;
  return {
    stream_bytes,
    link_bytes: Math.floor(stream_bytes / 2),
    total_bytes,
    rate_bytes_per_s,
    eta_s: (total_bytes - stream_bytes) / rate_bytes_per_s,
    taken_bytes: stream_bytes,
    checkpoint_bytes: Math.floor(stream_bytes / 268_435_456) * 268_435_456,
    checkpoint_at_ms: at_ms - 2_000,
    at_ms,
  };
}

/** @param index 0 is the newest */
export function makeTransfer(index: number, { replicas, images, transfers }: FleetSize): TransferReport {
  const state = transferState(index);
  const number = transfers - index;
  const image = image_names[Math.floor(chance(`i${index}`) * images)] ?? '';
  const replica = replicaName(Math.floor(chance(`r${index}`) * replicas));
  const created_at_ms = at_ms - index * 4 * minute_ms - Math.floor(chance(`c${index}`) * minute_ms);
  const took_ms = state === 'sending' ? 20_000 : 3_000 + Math.floor(chance(`t${index}`) * 240_000);
  const failure = errors[index % errors.length] ?? errors[0];
  const has_error = state === 'failed' || state === 'resting';
  const settled = ['completed', 'failed', 'cancelled'].includes(state);
  return {
    id: `${number}-${Math.floor(chance(`id${index}`) * 65_536)
      .toString(16)
      .padStart(4, '0')}`,
    image,
    number: String(Math.max(1, newestOf(image) - Math.floor(index / 60))),
    replica,
    state,
    state_description: descriptions[state] ?? '',
    settled,
    parked_reason: '',
    master: 'master',
    attempt: 1,
    attempt_at_ms: created_at_ms,
    failures: has_error ? 1 : 0,
    parent: '40',
    plan_reason: 'the newest snapshot that both have',
    codec: 'zstd',
    stream_version: 2,
    ssh: false,
    already_there: false,
    stream_bytes: state === 'completed' ? 40_000_000 + Math.floor(chance(`b${index}`) * 4e9) : null,
    hash: state === 'completed' ? 'c0ffee' : '',
    resumed_bytes: 0,
    link_losses: 0,
    checkpoint_bytes: null,
    checkpoint_at_ms: null,
    last_error: has_error ? { ...failure, operation: 'receive', subject: replica, retryable: false } : null,
    progress: state === 'sending' ? makeProgress(index) : null,
    last_progress: null,
    next_at_ms: state === 'resting' ? at_ms + 40_000 : null,
    timers: [],
    verbs: [
      allowed('pause', !settled && state !== 'paused'),
      allowed('resume', state === 'paused'),
      allowed('cancel', !settled),
      allowed('redrive', state === 'failed' || state === 'cancelled'),
    ],
    forked_from: null,
    created_at_ms,
    updated_at_ms: Math.min(at_ms, created_at_ms + took_ms),
  };
}

export function makeImages({ images }: FleetSize): ImageReport[] {
  return image_names.slice(0, images).map((name) => ({
    name,
    state: 'present',
    path: `/srv/images/${name}`,
    source: `/srv/images/${name}/live`,
    codec: 'zstd',
    snapshot_count: 14,
    newest: String(newestOf(name)),
    error: null,
  }));
}

export function makeSnapshots(image: string): SnapshotReport[] {
  const newest = newestOf(image);
  return Array.from({ length: 14 }, (_, index) => {
    const number = String(newest - 13 + index);
    return {
      image,
      number,
      mountpoint: '/srv/images',
      image_path: `/srv/images/${image}`,
      path: `/srv/images/${image}/${number}`,
      uuid: '5a2c0000-0000-4000-8000-000000000000',
      received_uuid: '',
      created_at_ms: at_ms - (13 - index) * 60 * minute_ms,
      needed_by: null,
    };
  });
}

export function makeReplicas({ replicas }: FleetSize): ReplicaReport[] {
  return Array.from({ length: replicas }, (_, index) => {
    const name = replicaName(index);
    const is_connected = !isOffline(name);
    return {
      node_id: index + 1,
      name,
      state: is_connected ? 'online' : 'offline',
      state_description: is_connected
        ? 'its control link is up and it answers keep-alives; transfers run'
        : 'no control link; transfers wait',
      is_connected,
      address: `10.0.${index % 200}.7`,
      changed_at_ms: at_ms - index * minute_ms,
      linked_at_ms: is_connected ? at_ms - index * minute_ms : null,
      reason: is_connected ? '' : 'the link was closed: ECONNRESET',
      last_answer_at_ms: is_connected ? at_ms - 3_000 : null,
      round_trip_ms: is_connected ? 1 + (index % 9) : null,
      missed: 0,
      btrfs_progs: '6.2',
      kernel: '6.1.0-18-amd64',
      codecs: ['none', 'zstd'],
      transfers_running: 0,
      transfers_waiting: 0,
    };
  });
}
