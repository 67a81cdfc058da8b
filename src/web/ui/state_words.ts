/** How each state is told: by a word, a shape and a colour. */
import type { CopyReport } from '../../core/fleet_report.js';
import type { TransferReport } from '../../core/report.js';

export type Tone = 'good' | 'moving' | 'waiting' | 'warning' | 'bad' | 'off';

/** What a state is drawn as; no two tones share one. */
export type Shape =
  | 'check'
  | 'arrow'
  | 'clock'
  | 'pause'
  | 'triangle'
  | 'cross'
  | 'stop'
  | 'ring'
  | 'slash'
  | 'question'
  | 'link_off'
  | 'wrench';

export interface StateWords {
  readonly word: string;
  readonly tone: Tone;
  readonly shape: Shape;
}

const say = (word: string, tone: Tone, shape: Shape): StateWords => ({ word, tone, shape });

const transfer_words: Readonly<Record<string, StateWords>> = {
  scheduled: say('scheduled', 'waiting', 'clock'),
  queued: say('queued', 'waiting', 'clock'),
  planning: say('planning', 'moving', 'arrow'),
  starting_over: say('starting over', 'moving', 'arrow'),
  offering: say('offering', 'moving', 'arrow'),
  sending: say('sending', 'moving', 'arrow'),
  confirming: say('confirming', 'moving', 'arrow'),
  disconnected: say('link lost', 'warning', 'link_off'),
  resting: say('trying again', 'warning', 'triangle'),
  paused: say('paused', 'waiting', 'pause'),
  cancelling: say('cancelling', 'warning', 'stop'),
  completed: say('completed', 'good', 'check'),
  failed: say('failed', 'bad', 'cross'),
  parked: say('parked', 'bad', 'wrench'),
  cancelled: say('cancelled', 'off', 'stop'),
};

const copy_words: Readonly<Record<CopyReport['state'], StateWords>> = {
  in_sync: say('in sync', 'good', 'check'),
  behind: say('behind', 'warning', 'triangle'),
  in_transfer: say('in transfer', 'moving', 'arrow'),
  failed: say('failed', 'bad', 'cross'),
  empty: say('holds none', 'off', 'ring'),
  unknown: say('unknown', 'off', 'question'),
};

const replica_words: Readonly<Record<string, StateWords>> = {
  online: say('online', 'good', 'check'),
  back: say('coming back', 'moving', 'arrow'),
  suspect: say('not answering', 'warning', 'triangle'),
  offline: say('offline', 'bad', 'link_off'),
};

const image_words: Readonly<Record<string, StateWords>> = {
  scanning: say('scanning', 'moving', 'arrow'),
  present: say('on disk', 'good', 'check'),
  missing: say('missing', 'bad', 'cross'),
  removed: say('removed', 'off', 'slash'),
};

/** A state that a newer master has, and this page does not know. */
const unknownState = (state: string): StateWords => say(state.replaceAll('_', ' '), 'off', 'question');

export function transferWords(state: string): StateWords {
  return transfer_words[state] ?? unknownState(state);
}

export function copyWords(state: CopyReport['state']): StateWords {
  return copy_words[state] ?? unknownState(state);
}

export function replicaWords(state: string): StateWords {
  return replica_words[state] ?? unknownState(state);
}

export function imageWords(state: string): StateWords {
  return image_words[state] ?? unknownState(state);
}

/** The state for people: `parked` goes before all others, for nothing happens then. */
export function shownState({ state, parked_reason }: TransferReport): string {
  return parked_reason === '' ? state : 'parked';
}

/** All states of a transfer, in the order in which they are shown to choose from. */
export const transfer_states: readonly string[] = Object.keys(transfer_words);
