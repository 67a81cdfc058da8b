/** What a node says of itself, to its master and to operators. */
import type { ErrorReport } from './errors.js';

export interface NodeReport {
  readonly name: string;
  /** The master is 0, replicas count from 1; null: a replica that its master has not told yet. */
  readonly node_id: number | null;
  readonly role: 'master' | 'replica';
  readonly version: string;
  readonly pid: number;
  readonly started_at_ms: number;
  readonly mountpoint: string;
  readonly free_bytes: number;
  /** Where the bytes of snapshots flow: the address that data links go to, and through what. */
  readonly data_address: DataAddress;
  /** It ends what runs, and takes nothing new. */
  readonly is_stopping: boolean;
}

export interface DataAddress {
  /** On the master: where it listens. On a replica: where it dials. */
  readonly url: string;
  /** `ssh://user@host:port`, or null: straight. */
  readonly via: string | null;
}

export interface PingReport {
  readonly node: string;
  readonly answer: 'pong';
  readonly round_trip_ms: number;
}

/** Which snapshots, and names or numbers of replicas, or just `all`. */
export interface CheckRequest {
  readonly image: string;
  readonly numbers: readonly string[];
  readonly to: readonly string[];
}

/** Whether a replica would take a snapshot now. */
export interface AcceptReport {
  readonly node: string;
  readonly image: string;
  readonly number: string;
  readonly accepts: boolean;
  /** Empty if it accepts. */
  readonly reason: '' | 'unknown_image' | 'already_there' | 'conflict' | 'no_room' | 'busy' | 'unreachable';
  /** The same for people, with a hint; null if it accepts, or has the snapshot already. */
  readonly error: ErrorReport | null;
}

/** `checkpoint`: keep what was received so far and stop. `finish`: let what runs come to its end first. */
export type ShutdownMode = 'checkpoint' | 'finish';

export interface ShutdownReport {
  readonly node: string;
  readonly mode: ShutdownMode;
  /** Transfers that run while it was asked. */
  readonly running: number;
}
