/** What the name server keeps and answers. */

/** Whether the node behind a name can be reached, as far as is known. */
export type NameState = 'reachable' | 'suspect' | 'unreachable';

/** One registration. */
export interface NameReport {
  /** For example `icbdrep.replica.r1`. */
  readonly name: string;
  /** Where it can be reached, for example `ws://10.0.0.5:9410`. */
  readonly address: string;
  /** Sorted, none twice. */
  readonly metadata: readonly string[];
  /** Node that registered it, or `operator`: only the owner and operators may change it. */
  readonly owner: string;
  /** For how long a renewal holds; null: it holds until it is removed. */
  readonly lease_s: number | null;
  /** Unix ms. */
  readonly registered_at_ms: number;
  readonly renewed_at_ms: number;
  /** When auto-clean removes it if it is not renewed; null: never. */
  readonly expires_at_ms: number | null;
  readonly state: NameState;
  readonly state_at_ms: number;
  /** Why it is not reachable; empty if it is. */
  readonly state_reason: string;
}

/** At most one of `prefix` and `regex`. Metadata goes with either, at most one of all and any. */
export interface NameFilter {
  readonly prefix?: string;
  /** Matches from the start of the name; RE2 syntax. */
  readonly regex?: string;
  /** Names that carry all of these. */
  readonly metadata_all?: readonly string[];
  /** Names that carry at least one of these. */
  readonly metadata_any?: readonly string[];
}

/** Exactly one of `name`, `prefix` and `regex`. */
export interface NameRemoval {
  readonly name?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

export interface NameRegistration {
  readonly name: string;
  readonly address: string;
  readonly metadata?: readonly string[];
  /** Null or left out: holds until it is removed. */
  readonly lease_s?: number | null;
  /** Refuse a name that is taken, even by the same owner. */
  readonly safe?: boolean;
}

export interface NameRemovalReport {
  /** How many were removed. */
  readonly removed: number;
  readonly names: readonly string[];
}

/** A registration that is gone. */
export interface RemovedNameReport {
  readonly name: string;
  readonly address: string;
  readonly owner: string;
  readonly removed_at_ms: number;
  /** For example `its lease of 60 s was not renewed`. */
  readonly reason: string;
}

export interface NameServerReport {
  /** Node that keeps the names. */
  readonly node: string;
  readonly address: string;
  /** Registrations, its own with them. */
  readonly names: number;
  /** Unix ms. */
  readonly started_at_ms: number;
  readonly round_trip_ms: number;
}
