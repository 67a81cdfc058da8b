/** What comparing a snapshot with its copies answers. */
import type { ErrorReport } from './errors.js';

/** One thing in which a copy differs from the master's snapshot. */
export interface TreeDifference {
  /** From the snapshot's root, which is `.`; what cannot be shown is escaped. */
  readonly path: string;
  /** Its bytes. */
  readonly path_base64: string;
  /** `missing`: on the copy. `extra`: not on the master. `identity`: uuid or received_uuid of the snapshot. */
  readonly what:
    | 'identity'
    | 'missing'
    | 'extra'
    | 'type'
    | 'content'
    | 'size'
    | 'mode'
    | 'owner'
    | 'mtime'
    | 'target'
    | 'device'
    | 'links'
    | 'xattr'
    | 'unreadable';
  /** Of an `xattr`: its name. */
  readonly xattr?: string;
  /** Of `content`: where the first 4 KiB that differ begin. */
  readonly offset_bytes?: number;
  /** What the master's snapshot has, in words. */
  readonly master: string;
  readonly copy: string;
}

/** How far one node is with hashing its snapshot. */
export interface VerifyProgress {
  readonly node: string;
  readonly phase: 'waiting' | 'listing' | 'attributes' | 'hashing' | 'done';
  /** Files, directories and all else. */
  readonly entries: number;
  readonly bytes: number;
  /** Null before everything is listed. */
  readonly total_bytes: number | null;
  readonly rate_bytes_per_s: number;
}

export interface VerifiedCopy extends VerifyProgress {
  /** `missing`: the replica has the image, and no such snapshot. `failed`: it could not be compared. */
  readonly state: 'hashing' | 'comparing' | 'equal' | 'different' | 'missing' | 'failed';
  readonly differences: readonly TreeDifference[];
  /** There are more differences than are told. */
  readonly more: boolean;
  readonly error: ErrorReport | null;
}

/** A comparison of the master's snapshot with its copies. */
export interface VerifyReport {
  readonly id: string;
  readonly image: string;
  readonly number: string;
  readonly state: 'running' | 'finished' | 'cancelled' | 'failed';
  readonly master: VerifyProgress;
  readonly copies: readonly VerifiedCopy[];
  /** Replicas that were left out, and why. */
  readonly skipped: readonly { readonly node: string; readonly reason: string }[];
  /** Why it failed as a whole. */
  readonly error: ErrorReport | null;
  /** Unix ms. */
  readonly started_at_ms: number;
  readonly ended_at_ms: number | null;
}
