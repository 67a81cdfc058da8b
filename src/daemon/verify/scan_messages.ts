/** What a scan's thread and its daemon say to each other. */
import type { ErrorReport } from '../../core/errors.js';
import type { TreeSummary } from './tree_scan.js';

export type ScanPhase = 'listing' | 'attributes' | 'hashing';

export interface ScanProgress {
  readonly phase: ScanPhase;
  readonly entries: number;
  /** Hashed so far. */
  readonly bytes: number;
  /** Null before everything is listed. */
  readonly total_bytes: number | null;
}

export interface ScanThreadData {
  /** Path of the snapshot. */
  readonly root: string;
}

/** Asks for a part of a tree that is hashed; the names are those of `TreeScan`'s methods. */
export type ScanQuestion =
  | { readonly method: 'list'; readonly path: string; readonly after: string | null }
  | { readonly method: 'marks'; readonly path: string }
  | {
      readonly method: 'blocks';
      readonly path: string;
      readonly offset_bytes: number;
      readonly block_bytes: number;
      readonly count: number;
    };

export type ScanOrder = ScanQuestion & { readonly id: number };

export type ScanNews =
  | { readonly kind: 'progress'; readonly progress: ScanProgress }
  | { readonly kind: 'done'; readonly summary: TreeSummary }
  | { readonly kind: 'failed'; readonly error: ErrorReport }
  | { readonly kind: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'refused'; readonly id: number; readonly error: ErrorReport };
