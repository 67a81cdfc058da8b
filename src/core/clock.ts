/** Where time comes from; the daemon gives the real one, simulations their own. */
export interface Clock {
  /** Unix time in ms. */
  now(): number;
  /** Runs `work` once after `delay_ms`; returns what cancels it. */
  after(delay_ms: number, work: () => void): () => void;
}
