/** Reports as the daemon gives them. */
import type { ErrorReport } from '../../../src/core/errors.js';
import type {
  HistoryReport,
  ImageReport,
  ReplicaReport,
  SnapshotNeed,
  SnapshotReport,
  StatusReport,
  TransferReport,
} from '../../../src/core/report.js';
import { eventRecord } from '../../support/event_record.js';

/** 2026-03-01 12:00:00 UTC. */
export const noon_ms = 1_772_366_400_000;

export const stalled: ErrorReport = {
  code: 'Stalled',
  message: 'no byte moved for 120 s',
  operation: 'transfer',
  subject: 'vm1/3',
  retryable: true,
  hint: 'look at disk and network of both nodes',
};

export function transferSample(changes: Partial<TransferReport> = {}): TransferReport {
  return {
    id: '4f2a9c',
    image: 'vm1',
    number: '3',
    replica: 'replica1',
    state: 'sending',
    state_description: 'the stream runs from btrfs send to the replica',
    settled: false,
    parked_reason: '',
    master: 'hub',
    attempt: 1,
    attempt_at_ms: noon_ms,
    failures: 0,
    parent: '2',
    plan_reason: 'newest older snapshot that both sides hold',
    codec: 'lz4',
    stream_version: 2,
    ssh: false,
    already_there: false,
    resumed_bytes: 0,
    link_losses: 0,
    checkpoint_bytes: null,
    checkpoint_at_ms: null,
    stream_bytes: null,
    hash: '',
    last_error: null,
    progress: null,
    last_progress: null,
    next_at_ms: null,
    timers: [],
    verbs: [],
    forked_from: null,
    created_at_ms: noon_ms,
    updated_at_ms: noon_ms + 1_500,
    ...changes,
  };
}

export const half_done = transferSample({
  checkpoint_bytes: 40 * 1024 * 1024,
  checkpoint_at_ms: noon_ms + 1_000,
  progress: {
    stream_bytes: 50 * 1024 * 1024,
    link_bytes: 25 * 1024 * 1024,
    total_bytes: 100 * 1024 * 1024,
    rate_bytes_per_s: 10 * 1024 * 1024,
    eta_s: 5,
    taken_bytes: 48 * 1024 * 1024,
    checkpoint_bytes: 40 * 1024 * 1024,
    checkpoint_at_ms: noon_ms + 1_000,
    at_ms: noon_ms + 1_500,
  },
});

export const completed = transferSample({
  state: 'completed',
  state_description: 'the replica holds the snapshot under its name',
  settled: true,
  stream_bytes: 100 * 1024 * 1024,
  hash: '00ff',
});

export const failed = transferSample({
  id: '77aa',
  state: 'failed',
  state_description: 'trying again cannot help, or did not for too long',
  settled: true,
  failures: 20,
  attempt: 20,
  last_error: stalled,
});

export const status_sample: StatusReport = {
  role: 'master',
  node: 'master',
  version: '0.1.0',
  protocol_version: 1,
  pid: 4711,
  epoch: 3,
  started_at_ms: noon_ms,
  mountpoint: '/srv/icbd',
  free_bytes: 5 * 1024 ** 3,
  database_bytes: 90_000,
  link_address: '127.0.0.1:9410',
  page_url: null,
  is_linked: true,
  replicas_online: 1,
  replicas_total: 2,
  images: 1,
  transfers_by_state: { sending: 1, queued: 2, failed: 0 },
  parked: [],
};

export const replica_sample: ReplicaReport = {
  node_id: 2,
  name: 'replica2',
  state: 'offline',
  state_description: 'no control link; transfers wait',
  is_connected: false,
  address: '',
  changed_at_ms: null,
  linked_at_ms: null,
  reason: 'it has not connected yet',
  last_answer_at_ms: null,
  round_trip_ms: null,
  missed: 0,
  btrfs_progs: '6.2',
  kernel: '6.18.44',
  codecs: ['none', 'lz4'],
  transfers_running: 0,
  transfers_waiting: 4,
};

export const image_sample: ImageReport = {
  name: 'vm1',
  state: 'present',
  path: '/srv/icbd/vm1',
  source: '/srv/icbd/vm1/live',
  codec: null,
  snapshot_count: 3,
  newest: '3',
  error: null,
};

export const snapshot_sample: SnapshotReport = {
  image: 'vm1',
  number: '3',
  mountpoint: '/srv/icbd',
  image_path: '/srv/icbd/vm1',
  path: '/srv/icbd/vm1/3',
  uuid: 'b2f5b5c0-0000-4000-8000-000000000001',
  received_uuid: '',
  created_at_ms: noon_ms,
  needed_by: null,
};

export const base_sample: SnapshotNeed = {
  number: '3',
  kind: 'base',
  node: 'replica1',
  transfer: '',
  since_ms: noon_ms,
  otherwise: '2',
};

export const sent_sample: SnapshotNeed = {
  ...base_sample,
  kind: 'sent',
  node: 'replica2',
  transfer: '4-3fa9',
  otherwise: '',
};

const transfer_address = { kind: 'transfer', id: '4f2a9c' } as const;

/** Attempt 1 is interrupted, attempt 2 completes. */
export const history_sample: HistoryReport = {
  transfer: { ...completed, attempt: 2 },
  omitted: 0,
  events: [
    eventRecord({
      ...transfer_address,
      seq: 0,
      at_ms: noon_ms,
      event: { type: 'created', input: {} },
      cause: { kind: 'operator', who: 'root' },
      state: 'queued',
    }),
    eventRecord({
      ...transfer_address,
      seq: 1,
      at_ms: noon_ms + 7,
      event: { type: 'slot.granted' },
      cause: { kind: 'actor', actor: 'replica/replica1', seq: 5 },
      state: 'planning',
    }),
    eventRecord({
      ...transfer_address,
      seq: 2,
      at_ms: noon_ms + 1_250,
      event: { type: 'replica.offline', reason: 'the link was closed: 1006' },
      cause: { kind: 'actor', actor: 'replica/replica1', seq: 6 },
      state: 'queued',
    }),
    eventRecord({
      ...transfer_address,
      seq: 3,
      at_ms: noon_ms + 4_000,
      event: { type: 'slot.granted' },
      cause: { kind: 'actor', actor: 'replica/replica1', seq: 7 },
      state: 'planning',
    }),
    eventRecord({
      ...transfer_address,
      seq: 4,
      at_ms: noon_ms + 4_100,
      event: { type: 'plan.failed', error: stalled },
      cause: { kind: 'effect', effect: 'transfer/4f2a9c:3:0' },
      state: 'resting',
    }),
    eventRecord({
      ...transfer_address,
      seq: 5,
      at_ms: noon_ms + 5_000,
      event: { type: 'xstate.after.backoff.transfer.resting' },
      cause: { kind: 'timer', timer: 'xstate.after.backoff.transfer.resting' },
      state: 'queued',
    }),
    eventRecord({
      ...transfer_address,
      seq: 6,
      at_ms: noon_ms + 6_000,
      event: { type: 'reception.completed' },
      cause: { kind: 'peer', node: 'replica1', message: 12 },
      state: 'completed',
    }),
    eventRecord({
      ...transfer_address,
      seq: 7,
      at_ms: noon_ms + 7_000,
      event: { type: 'slot.granted' },
      cause: { kind: 'daemon', what: 'start' },
      state: 'completed',
      handled: false,
    }),
  ],
  effects: [
    {
      id: 'transfer/4f2a9c:1:0',
      actor: transfer_address,
      seq: 1,
      kind: 'plan',
      params: {},
      status: 'stopped',
      epoch: 1,
      started_at_ms: noon_ms + 7,
      ended_at_ms: noon_ms + 1_250,
      error: null,
    },
    {
      id: 'transfer/4f2a9c:3:0',
      actor: transfer_address,
      seq: 3,
      kind: 'plan',
      params: {},
      status: 'failed',
      epoch: 1,
      started_at_ms: noon_ms + 4_000,
      ended_at_ms: noon_ms + 4_100,
      error: stalled,
    },
  ],
};
