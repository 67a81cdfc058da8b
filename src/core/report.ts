/** What the control API answers: plain JSON, shared by the daemon that makes it and all that show it. */
import type { Codec } from './codecs.js';
import type { ErrorReport } from './errors.js';
import type { ActorAddress, EffectRecord, EventRecord } from './records.js';

export interface StatusReport {
  readonly role: 'master' | 'replica';
  readonly node: string;
  readonly version: string;
  readonly protocol_version: number;
  readonly pid: number;
  /** Starts of this node so far. */
  readonly epoch: number;
  /** Unix ms. */
  readonly started_at_ms: number;
  readonly mountpoint: string;
  readonly free_bytes: number;
  readonly database_bytes: number;
  /** On the master: `host:port` it listens on; on a replica: the master's URL. */
  readonly link_address: string;
  /** On a replica: whether the link to its master is up; on the master: always true. */
  readonly is_linked: boolean;
  readonly replicas_online: number;
  readonly replicas_total: number;
  readonly images: number;
  /** On the master transfers, on a replica receptions: how many are in each state. */
  readonly transfers_by_state: Readonly<Record<string, number>>;
  /** Actors that take no events until somebody looks. */
  readonly parked: readonly ParkedReport[];
}

export interface ParkedReport extends ActorAddress {
  readonly reason: string;
}

export interface ReplicaReport {
  readonly node_id: number;
  readonly name: string;
  readonly state: string;
  readonly address: string;
  /** When it came or went last, unix ms; null: it never connected. */
  readonly changed_at_ms: number | null;
  /** Why it is offline; empty if it is not. */
  readonly offline_reason: string;
  readonly btrfs_progs: string;
  readonly kernel: string;
  readonly codecs: readonly Codec[];
  readonly transfers_running: number;
  readonly transfers_waiting: number;
}

export interface ImageReport {
  readonly name: string;
  readonly state: string;
  readonly path: string;
  /** Where its snapshots are taken of; empty: none on this node. */
  readonly source: string;
  readonly codec: Codec | null;
  /** As the last scan found it; null before the first. */
  readonly snapshot_count: number | null;
  readonly newest: string;
  readonly error: ErrorReport | null;
}

export interface SnapshotReport {
  readonly image: string;
  readonly number: string;
  readonly path: string;
  readonly uuid: string;
  readonly received_uuid: string;
  /** Unix ms. */
  readonly created_at_ms: number;
}

export interface ProgressReport {
  /** Uncompressed bytes of the stream so far. */
  readonly stream_bytes: number;
  readonly link_bytes: number;
  readonly total_bytes: number | null;
  readonly rate_bytes_per_s: number;
  /** Null while the total or the rate is unknown. */
  readonly eta_s: number | null;
}

export interface TransferReport {
  readonly id: string;
  readonly image: string;
  readonly number: string;
  readonly replica: string;
  readonly state: string;
  /** The state in words. */
  readonly state_description: string;
  readonly settled: boolean;
  readonly parked_reason: string;
  readonly attempt: number;
  readonly failures: number;
  readonly parent: string | null;
  /** Why this parent, or why none; empty before the first plan. */
  readonly plan_reason: string;
  readonly codec: Codec | null;
  readonly stream_version: number | null;
  readonly already_there: boolean;
  /** Uncompressed bytes of the completed stream; null before. */
  readonly stream_bytes: number | null;
  readonly hash: string;
  readonly last_error: ErrorReport | null;
  /** Present while it sends. */
  readonly progress: ProgressReport | null;
  /** When it goes on by itself, unix ms; null: no timer runs. */
  readonly next_at_ms: number | null;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

export interface HistoryReport {
  readonly transfer: TransferReport;
  readonly events: readonly EventRecord[];
  readonly effects: readonly EffectRecord[];
}

export interface SendRequest {
  readonly image: string;
  readonly numbers: readonly string[];
  /** Names or ids of replicas, or just `all`. */
  readonly to: readonly string[];
  readonly codec?: Codec;
}

export interface ImageAddRequest {
  readonly name: string;
  /** Path of the writable subvolume that snapshots are taken of; default `<mountpoint>/<image>/live` if it is one. */
  readonly source?: string;
  readonly codec?: Codec;
  /** Make the directory if it is missing; replicas always do. */
  readonly create?: boolean;
  /** Name or id; default: the node that is asked. */
  readonly node?: string;
}

export interface TransferFilter {
  readonly states?: readonly string[];
  readonly image?: string;
  readonly replica?: string;
  /** Unix ms. */
  readonly since_ms?: number;
  readonly limit?: number;
}
