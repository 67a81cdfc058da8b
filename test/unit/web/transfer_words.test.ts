import { describe, expect, it } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import type { TransferReport } from '../../../src/core/report.js';
import { forkRequest } from '../../../src/web/transfer/fork_request.js';
import { attemptWords, countdownWords, nextWords, planFacts } from '../../../src/web/transfer/next_words.js';
import { valueText } from '../../../src/web/transfer/values.js';
import { inOrder, keptBytes, lossWords, mainVerb } from '../../../src/web/transfer/verb_words.js';
import { makeTransfer } from '../../browser/support/big_fleet.js';

const base = makeTransfer(7, { replicas: 3, images: 2, transfers: 20 });
const transfer = (more: Partial<TransferReport>): TransferReport => ({ ...base, ...more });

const verb = (name: 'pause' | 'resume' | 'redrive' | 'cancel' | 'retry-now', is_allowed: boolean) => ({
  verb: name,
  is_allowed,
  reason: is_allowed ? '' : 'no',
});

describe('what happens next', () => {
  it('is said of every state that the machine has', () => {
    for (const state of Object.keys(machines.transfer.machine.states)) {
      expect(nextWords(transfer({ state })), state).not.toBe('');
    }
    expect(nextWords(transfer({ state: 'sending', parked_reason: 'it threw' }))).toMatch(/parked/);
  });

  it('is counted down, and says when it is late', () => {
    expect(countdownWords(61_000, 1_000)).toBe('in 1 min');
    expect(countdownWords(6_000, 1_001)).toBe('in 5 s');
    expect(countdownWords(1_000, 1_500)).toBe('now');
    expect(countdownWords(1_000, 21_000)).toBe('due for 20 s');
  });
});

describe('facts', () => {
  it('leave out what is not known', () => {
    expect(planFacts(transfer({ plan_reason: '', codec: null, stream_version: null, hash: '' }))).toEqual([]);
    expect(planFacts(transfer({ parent: null, plan_reason: 'it holds none', hash: '' }))[0]?.words).toBe(
      'none, sent in full: it holds none',
    );
    expect(attemptWords(transfer({ attempt: 2, failures: 1, link_losses: 3 }))).toBe(
      'number 2, 1 failed in a row, the link was lost 3 times',
    );
  });
});

describe('verbs', () => {
  it('the likeliest is the one that makes it go on', () => {
    expect(mainVerb([verb('pause', true), verb('cancel', true), verb('resume', false)])).toBeUndefined();
    expect(mainVerb([verb('redrive', true), verb('cancel', true)])).toBe('redrive');
    expect(mainVerb([verb('retry-now', true), verb('redrive', false)])).toBe('retry-now');
    expect(inOrder([verb('cancel', true), verb('pause', true)]).map((one) => one.verb)).toEqual([
      'pause',
      'cancel',
    ]);
  });

  it('say what is lost', () => {
    const kept = transfer({ checkpoint_bytes: 3 * 1024 ** 3, replica: 'berlin' });
    expect(keptBytes(kept)).toBe(3 * 1024 ** 3);
    expect(lossWords(kept)).toMatch(/^3.00 GiB of it that are on the disk of berlin are removed/);
    const nothing = { checkpoint_bytes: null, progress: null, last_progress: null, resumed_bytes: 0 };
    expect(lossWords(transfer(nothing))).toMatch(/nothing of it/);
  });

  it('a fork asks only for what was chosen', () => {
    expect(forkRequest({ codec: '', parent: '', to: '' }, null)).toEqual({});
    expect(forkRequest({ codec: 'lz4', parent: 'none', to: 'vienna' }, 12)).toEqual({
      at_seq: 12,
      codec: 'lz4',
      parent: 'none',
      to: 'vienna',
    });
    expect(forkRequest({ codec: 'brotli', parent: '', to: '' }, null)).toEqual({});
  });
});

it('values of a context stand on one line', () => {
  expect(valueText('')).toBe('empty');
  expect(valueText({ a: [1] })).toBe('{"a":[1]}');
  expect(valueText('x'.repeat(500))).toHaveLength(321);
});
