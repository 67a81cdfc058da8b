/** Going through the past of an actor, step by step. */
import type { EventRecord } from '../../core/records.js';

/** Where a reader stands: the sequence number of an event, or null: what is now. */
export type Place = number | null;

export type Move = 'first' | 'back' | 'forward' | 'last' | 'now';

/**
 * @param seqs of the events that there are, growing
 * @returns where the move leads; a step forward from the last event leads to now
 */
export function moveTo(seqs: readonly number[], at: Place, move: Move): Place {
  const last = seqs.length - 1;
  if (last < 0 || move === 'now') return null;
  const index = indexOf(seqs, at);
  if (move === 'first') return seqs[0] ?? null;
  if (move === 'last') return null;
  if (move === 'back') return seqs[Math.max(0, index - 1)] ?? null;
  return index >= last - (at === null ? 0 : 1) ? null : (seqs[index + 1] ?? null);
}

/** The index of the event at or before `at`; of now, the last; at least 0. */
export function indexOf(seqs: readonly number[], at: Place): number {
  if (at === null) return Math.max(0, seqs.length - 1);
  const found = seqs.findLastIndex((seq) => seq <= at);
  return Math.max(0, found);
}

/** The place that an address names with `?at=12`. */
export function placeIn(search: string): Place {
  const text = new URLSearchParams(search).get('at');
  return text !== null && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
}

/** What a key does to somebody who goes through the past; `play` begins or ends going by itself. */
export function keyMove(key: string): Move | 'play' | null {
  const moves: Readonly<Record<string, Move | 'play'>> = {
    ArrowLeft: 'back',
    ArrowRight: 'forward',
    Home: 'first',
    End: 'last',
    ' ': 'play',
    Escape: 'now',
  };
  return moves[key] ?? null;
}

/** A time in one state, by the indices of its first and last event. */
export interface StateRun {
  readonly state: string;
  readonly from: number;
  readonly to: number;
}

/** For the strip above the slider. */
export function stateRuns(events: readonly Pick<EventRecord, 'state'>[]): StateRun[] {
  const runs: { state: string; from: number; to: number }[] = [];
  for (const [index, { state }] of events.entries()) {
    const last = runs.at(-1);
    if (last?.state === state) last.to = index;
    else runs.push({ state, from: index, to: index });
  }
  return runs;
}
