import { randomBytes } from 'node:crypto';
import type { Capabilities } from '../../../src/core/codecs.js';
import type { Clock } from '../../../src/core/clock.js';

export const real_clock: Clock = {
  now: () => Date.now(),
  after: (delay_ms, work) => {
    const timer = setTimeout(work, delay_ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** A clock on which the given times pass at once: for limits that nobody wants to wait for. */
export function hurriedClock(hurried_ms: number, factor: number): Clock {
  return {
    now: () => real_clock.now(),
    after: (delay_ms, work) => real_clock.after(delay_ms === hurried_ms ? delay_ms / factor : delay_ms, work),
  };
}

export const capabilities: Capabilities = {
  codecs: ['none', 'lz4'],
  stream_version_max: 2,
  btrfs_progs: '6.2',
  kernel: '6.18.0',
};

export const secret = Buffer.from('a secret of more than sixteen bytes');
export const secrets = new Map([
  ['replica-1', secret],
  ['replica-2', Buffer.from('another secret, of replica two')],
]);

export function knownSecret(node: string): Buffer | undefined {
  return secrets.get(node);
}

export const master = {
  node: 'master',
  instance: 'instance-m',
  capabilities,
  clock: real_clock,
  randomBytes,
};
export const replica = {
  node: 'replica-1',
  instance: 'instance-r',
  capabilities,
  clock: real_clock,
  randomBytes,
};

/** A small seeded generator of numbers between 0 and 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
