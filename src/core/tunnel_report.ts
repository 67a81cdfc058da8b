import type { ErrorReport } from './errors.js';

/** The ssh tunnel of a replica. */
export interface TunnelReport {
  /** `ssh://USER@HOST:PORT`. */
  readonly via: string;
  /** `HOST:PORT` to which it leads; empty before it was needed. */
  readonly target: string;
  /** `waiting`: it failed, and is tried again after a while. */
  readonly state: 'idle' | 'starting' | 'up' | 'waiting' | 'stopped';
  /** When it came into this state, unix ms. */
  readonly since_ms: number;
  /** Starts of ssh after the first. */
  readonly restarts: number;
  /** Of ssh; null while it does not run. */
  readonly pid: number | null;
  /** Why it is not up, or why connections do not get through although it is. */
  readonly error: ErrorReport | null;
}
