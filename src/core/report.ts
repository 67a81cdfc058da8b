/** What the control API answers: plain JSON, shared by the daemon that makes it and all that show it. */
import type { Codec } from './codecs.js';
import type { VerbReport } from './verbs.js';
import type { ErrorReport } from './errors.js';
import type { ActorAddress, EffectRecord, EventRecord } from './records.js';
import type { TunnelReport } from './tunnel_report.js';

export interface StatusReport {
  readonly role: 'master' | 'replica' | 'nameserver';
  readonly node: string;
  readonly version: string;
  readonly protocol_version: number;
  readonly pid: number;
  /** Starts of this node so far. */
  readonly epoch: number;
  /** Unix ms. */
  readonly started_at_ms: number;
  /** Empty on a name server, which has no images. */
  readonly mountpoint: string;
  readonly free_bytes: number;
  readonly database_bytes: number;
  /** Registrations, on a name server of its own. */
  readonly names?: number;
  /** On the master and a name server: `host:port` it listens on; on a replica: the master's URL. */
  readonly link_address: string;
  /** Where its control API and page are over TCP; null: on its socket only. */
  readonly page_url: string | null;
  /** On a replica: whether the link to its master is up; on the master: always true. */
  readonly is_linked: boolean;
  /** On a replica: its ssh tunnel, if it has one. */
  readonly tunnel?: TunnelReport | null;
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
  /** `offline`, `back`, `online` or `suspect`. */
  readonly state: string;
  /** The state in words. */
  readonly state_description: string;
  /** Whether its link is up: in every state but `offline`. */
  readonly is_connected: boolean;
  readonly address: string;
  /** When it came into its state, unix ms; null: it never connected. */
  readonly changed_at_ms: number | null;
  /** When its link came up, unix ms; null if it is down. */
  readonly linked_at_ms: number | null;
  /** Why it is offline or suspect; empty in the other states. */
  readonly reason: string;
  /** When it answered a keep-alive last on this link, unix ms; null: not yet. */
  readonly last_answer_at_ms: number | null;
  /** Of that answer, ms; null: unknown. */
  readonly round_trip_ms: number | null;
  /** Keep-alives in a row that it has not answered. */
  readonly missed: number;
  readonly btrfs_progs: string;
  readonly kernel: string;
  readonly codecs: readonly Codec[];
  readonly transfers_running: number;
  readonly transfers_waiting: number;
}

/** Which events of a history are wanted. */
export interface HistoryFilter {
  /** Only those behind this one. */
  readonly after_seq?: number | undefined;
  /** Only those that led to another state, or made the state begin anew. */
  readonly changes?: boolean | undefined;
  /** At most so many: the newest, or with `after_seq` the first behind it. Default and most: 1,000. */
  readonly limit?: number | undefined;
}

export interface ReplicaHistoryReport {
  readonly replica: ReplicaReport;
  /** Oldest first. */
  readonly events: readonly EventRecord[];
  /** Older events that are not told. */
  readonly omitted: number;
}

export interface ImageHistoryReport {
  readonly image: ImageReport;
  /** Oldest first. */
  readonly events: readonly EventRecord[];
  /** Those that ran while these events happened. */
  readonly effects: readonly EffectRecord[];
  /** Events that are not told. */
  readonly omitted: number;
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
  /** Number of its last snapshot; empty if there is none. */
  readonly newest: string;
  readonly error: ErrorReport | null;
}

/** All about one image, as it is on disk now. */
export interface ImageDetails extends ImageReport {
  readonly last: SnapshotReport | null;
  /** Which of its snapshots somebody needs. */
  readonly needs: readonly SnapshotNeed[];
}

/** Why a snapshot should stay where it is. */
export interface SnapshotNeed {
  readonly number: string;
  /**
   * `sent`, `received`: by a transfer under way. `parent`: such a transfer builds on it. `base`: the next increment
   * between this node and `node` will build on it.
   */
  readonly kind: 'sent' | 'received' | 'parent' | 'base';
  /** The node at the other end. */
  readonly node: string;
  /** Empty for a base. */
  readonly transfer: string;
  /** Unix ms. */
  readonly since_ms: number;
  /** Of a base: the snapshot that the next transfer would build on without it; empty: it would be a full one. */
  readonly otherwise: string;
}

export interface SnapshotReport {
  readonly image: string;
  readonly number: string;
  readonly mountpoint: string;
  /** `<mountpoint>/<image>` */
  readonly image_path: string;
  /** `<mountpoint>/<image>/<number>` */
  readonly path: string;
  readonly uuid: string;
  readonly received_uuid: string;
  /** Unix ms. */
  readonly created_at_ms: number;
  /** Null: it was not asked for. */
  readonly needed_by: readonly SnapshotNeed[] | null;
}

export interface ProgressReport {
  /** Uncompressed bytes of the stream so far. */
  readonly stream_bytes: number;
  readonly link_bytes: number;
  readonly total_bytes: number | null;
  readonly rate_bytes_per_s: number;
  /** Null while the total or the rate is unknown. */
  readonly eta_s: number | null;
  /** Bytes of the stream that the replica has taken out of the link; what it took last may not be on its disk. */
  readonly taken_bytes: number;
  /** Bytes of the stream that are on the replica's disk, whatever happens; null: it has not said. */
  readonly checkpoint_bytes: number | null;
  /** When it said so last, unix ms. */
  readonly checkpoint_at_ms: number | null;
  /** When it was so, unix ms. */
  readonly at_ms: number;
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
  /** Name of the node that sends it; empty on a replica that has heard no offer yet. */
  readonly master: string;
  readonly attempt: number;
  /** When that attempt began, unix ms; null before the first, and in lists for those that are settled. */
  readonly attempt_at_ms: number | null;
  readonly failures: number;
  readonly parent: string | null;
  /** Why this parent, or why none; empty before the first plan. */
  readonly plan_reason: string;
  readonly codec: Codec | null;
  readonly stream_version: number | null;
  /** Whether the operator wants the stream to go through the ssh tunnel of the replica. */
  readonly ssh: boolean;
  readonly already_there: boolean;
  /** Uncompressed bytes of the completed stream; null before. */
  readonly stream_bytes: number | null;
  readonly hash: string;
  /** Bytes of the stream that the replica had when they began to flow last: these were not sent again. */
  readonly resumed_bytes: number;
  /** Times that the link was lost while it sent. */
  readonly link_losses: number;
  /** Bytes of the stream that are on the replica's disk, whatever happens, as far as this node heard; null: unknown. */
  readonly checkpoint_bytes: number | null;
  /** When that was heard, unix ms; null: unknown. */
  readonly checkpoint_at_ms: number | null;
  readonly last_error: ErrorReport | null;
  /** Present while it sends. */
  readonly progress: ProgressReport | null;
  /** Where it stood when it moved last; null while it moves, before it did, and when it is completed or cancelled. */
  readonly last_progress: ProgressReport | null;
  /** When it goes on by itself, unix ms; null: no timer runs. */
  readonly next_at_ms: number | null;
  /** What its actor waits for, the first first. */
  readonly timers: readonly TimerReport[];
  /** What an operator can do with it now, and why not the rest. */
  readonly verbs: readonly VerbReport[];
  /** The transfer that it was forked from; null: none. */
  readonly forked_from: ForkOrigin | null;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

export interface TimerReport {
  readonly timer: string;
  /** What happens then, in words. */
  readonly meaning: string;
  /** Unix ms. */
  readonly due_at_ms: number;
}

export interface ForkOrigin {
  readonly transfer: string;
  /** The event of that transfer after which it was forked. */
  readonly seq: number;
}

export interface HistoryReport {
  readonly transfer: TransferReport;
  /** Events of the actor that fit the filter and are not told, because there are more than the limit. */
  readonly omitted: number;
  /** Oldest first. */
  readonly events: readonly EventRecord[];
  /** Those that ran while these events happened. */
  readonly effects: readonly EffectRecord[];
}

export interface SendRequest {
  readonly image: string;
  readonly numbers: readonly string[];
  /** Names or ids of replicas, or just `all`. */
  readonly to: readonly string[];
  readonly codec?: Codec;
  /** Streams go through the ssh tunnels of the replicas. */
  readonly ssh?: boolean;
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
  /** `parked` is one of them. */
  readonly states?: readonly string[];
  readonly number?: string;
  readonly image?: string;
  readonly replica?: string;
  /** Part of the id, the image, the number or the replica, whatever the case of its letters. */
  readonly text?: string;
  /** Unix ms; made at or after it. */
  readonly since_ms?: number;
  /** Default `created`. */
  readonly sort?: TransferOrder;
  /** Default `down`: the newest, or the last of the alphabet, first. */
  readonly direction?: 'up' | 'down';
  /** So many of the first are left out. */
  readonly offset?: number;
  /** Default and most: 1,000. */
  readonly limit?: number;
}

export type TransferOrder = 'created' | 'updated' | 'image' | 'replica' | 'state';
