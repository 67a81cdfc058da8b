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
    now: real_clock.now,
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
