/** How far the replicas are behind, and how fast bytes go to them. */

/** What one replica has of one image. */
export interface CopyReport {
  readonly image: string;
  readonly replica: string;
  /**
   * `in_sync`: it holds the newest snapshot. `behind`: newer ones are missing. `in_transfer`: behind, and one of them
   * is on its way. `failed`: behind, and the newest transfer of one of them failed or is parked. `empty`: it holds
   * none. `unknown`: it was not heard of since the master's start.
   */
  readonly state: 'in_sync' | 'behind' | 'in_transfer' | 'failed' | 'empty' | 'unknown';
  readonly is_online: boolean;
  /** Number of the newest of the master's snapshots that it holds; empty if it holds none. */
  readonly newest: string;
  /** Snapshots of the master that are newer than that. */
  readonly snapshots_behind: number;
  /** Time since the first of those was taken, seconds; 0 if there is none. */
  readonly lag_s: number;
  /** Transfers of the image to it that are under way. */
  readonly transfers: readonly string[];
  /** The newest one that failed or is parked, if it is still missing; empty: none. */
  readonly failed_transfer: string;
  /** When it was heard of last, unix ms; null: not since the start. */
  readonly known_at_ms: number | null;
}

export interface FleetReport {
  readonly at_ms: number;
  readonly images: readonly {
    readonly name: string;
    readonly newest: string;
    readonly snapshot_count: number;
    /** Of the newest snapshot, unix ms; null if there is none. */
    readonly newest_at_ms: number | null;
  }[];
  readonly replicas: readonly { readonly name: string; readonly node_id: number; readonly state: string }[];
  /** For each image and each replica that could hold it. */
  readonly copies: readonly CopyReport[];
}

export interface ThroughputReport {
  readonly replica: string;
  readonly step_s: number;
  /** Oldest first; steps in which nothing went are left out. */
  readonly samples: readonly {
    /** Begin of the step, unix s. */
    readonly at_s: number;
    /** Uncompressed. */
    readonly stream_bytes: number;
    readonly link_bytes: number;
  }[];
}
