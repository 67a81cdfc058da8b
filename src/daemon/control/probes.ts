/** What machines that watch over a daemon ask it for. */

export interface ProbeCheck {
  /** What was looked at, for example `database`. */
  readonly name: string;
  readonly ok: boolean;
  /** What was found; told only to those who may see the rest too. */
  readonly text: string;
}

export interface ProbeAnswer {
  /** Whether all is well: answered with status 200, else with 503. */
  readonly ok: boolean;
  readonly checks: readonly ProbeCheck[];
}

export interface Probes {
  /** Whether the process works at all; if not, it should be started again. */
  livez(): ProbeAnswer;
  /** Whether it can do its work now. */
  readyz(): Promise<ProbeAnswer>;
  /** All figures, as text that Prometheus reads. */
  metrics(): Promise<string>;
}
