import { describe, expect, test } from 'vitest';
import type { ProgressRecord } from '../../../src/core/records.js';
import { ProgressBoard, progressReport } from '../../../src/daemon/progress_board.js';

const actor = { kind: 'transfer', id: '1-abcd' } as const;

function record(over: Partial<ProgressRecord> = {}): ProgressRecord {
  return {
    actor,
    attempt: 1,
    stream_bytes: 100,
    link_bytes: 50,
    total_bytes: 300,
    rate_bytes_per_s: 10,
    taken_bytes: 90,
    checkpoint_bytes: 80,
    checkpoint_at_ms: 0,
    started_at_ms: 0,
    at_ms: 0,
    ...over,
  };
}

describe('progress', () => {
  test('is shown while it runs, saved once a second, and forgotten at its end', () => {
    let now_ms = 0;
    let due: (() => void) | undefined;
    const saved: number[] = [];
    const clock = {
      now: () => now_ms,
      after: (_delay_ms: number, work: () => void) => {
        due = work;
        return () => {
          due = undefined;
        };
      },
    };
    const board = new ProgressBoard(clock, ({ stream_bytes }) => saved.push(stream_bytes));
    let stream_bytes = 1;
    now_ms = 5_000;
    const hide = board.show(actor, () => record({ stream_bytes }));
    stream_bytes = 2;
    expect(board.current(actor)?.stream_bytes).toBe(2);
    now_ms = 6_000;
    due?.();
    expect(saved).toEqual([1, 2]);
    stream_bytes = 3;
    hide();
    expect(saved).toEqual([1, 2, 3]);
    expect(board.current(actor)).toBeNull();
    expect(due).toBeUndefined();
  });

  test('the end of an older run does not hide a newer one', () => {
    const clock = { now: () => 0, after: () => () => {} };
    const board = new ProgressBoard(clock, () => {});
    const hide_first = board.show(actor, () => record({ attempt: 1 }));
    board.show(actor, () => record({ attempt: 2 }));
    hide_first();
    expect(board.current(actor)?.attempt).toBe(2);
  });

  test.each([
    [{}, 20, 300],
    [{ total_bytes: null }, null, null],
    [{ rate_bytes_per_s: 0 }, null, 300],
    [{ stream_bytes: 400 }, 0, 400],
  ])('estimates the rest of %j', (over, eta_s, total_bytes) => {
    expect(progressReport(record(over))).toMatchObject({ eta_s, total_bytes });
  });
});
