/** What looking for what is wrong with a node answers. */

export interface DoctorCheck {
  /** What was looked at, for example `free space`. */
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found. */
  readonly text: string;
  /** What to do; empty if it is ok. */
  readonly hint: string;
}

/** A hidden subvolume that no transfer wants any more, or that is not of a transfer. */
export interface LeftoverReport {
  readonly image: string;
  readonly name: string;
  readonly path: string;
  /** Read-only: a whole part, which is no reception's checkpoint. */
  readonly is_complete: boolean;
  /** Whether it is known to be of a transfer, so that `doctor --fix` removes it. */
  readonly is_removable: boolean;
  /** Why nobody wants it. */
  readonly reason: string;
}

export interface DoctorReport {
  /** Whether the daemon answers: if not, only what can be seen without it was looked at. */
  readonly is_running: boolean;
  readonly node: string;
  readonly role: 'master' | 'replica' | 'unknown';
  readonly checks: readonly DoctorCheck[];
  readonly leftovers: readonly LeftoverReport[];
}

export interface LeftoverRemoval {
  readonly image: string;
  readonly name: string;
  readonly is_removed: boolean;
  /** Why not; empty if it is removed. */
  readonly reason: string;
}
