/**
 * What an operator can do with a transfer, state by state.
 *
 * Every state has an answer to every verb. One that does something is a transition like any other. One that has its
 * effect already does nothing, and says so. One that is refused does nothing as well, and is marked as refused.
 */
import { releaseSlot, setupTransfer } from './transfer_setup.js';

/** A transition that does nothing because there is nothing to do. */
export const nothingToDo = (description: string) => ({ description }) as const;

/** What marks a transition as a refusal; see `judgeVerb`. */
export interface Refusal {
  readonly is_refused: true;
  /** What the operator can do instead; empty if nothing. */
  readonly hint: string;
}

/** A transition that does nothing because the state does not allow it. */
export const refused = (description: string, hint: string) => {
  const meta: Refusal = { is_refused: true, hint };
  return { description, meta } as const;
};

const noteRedrive = setupTransfer.assign(({ context, event }) => {
  if (event.type !== 'redrive' && event.type !== 'woken') return context;
  const from_zero = event.from_start === true || context.from_zero;
  return {
    failures: 0,
    rests: 0,
    from_zero,
    resumed_bytes: from_zero ? 0 : context.resumed_bytes,
    codec: event.codec ?? context.codec,
    ssh: event.ssh ?? context.ssh,
    delay_ms: event.after_ms ?? 0,
  };
});

const not_paused = nothingToDo('it is not paused');
const runs_already = nothingToDo('it runs already');
const toPaused = { target: 'paused' } as const;

const onlyWhenOver = {
  guard: 'wantsFromStart',
  ...refused(
    'it is not over: only a transfer that is can be run again from its start',
    'cancel it first: then it can be',
  ),
} as const;

/** Of a transfer that works, or waits to do so. */
export const verbsWhileRunning = {
  pause: toPaused,
  resume: not_paused,
  'retry-now': runs_already,
  redrive: [onlyWhenOver, runs_already],
} as const;

export const verbsWhileQueued = {
  ...verbsWhileRunning,
  'retry-now': nothingToDo('it waits for its turn already'),
} as const;

export const verbsWhileDisconnected = {
  ...verbsWhileRunning,
  'retry-now': [
    { guard: 'isOnline', target: 'sending' },
    refused('the replica is offline', 'nothing to do: it goes on by itself as soon as the replica is back'),
  ],
} as const;

export const verbsWhileConfirming = {
  ...verbsWhileRunning,
  pause: refused('all bytes are sent, and the replica finishes by itself', 'wait for its end, or cancel it'),
} as const;

export const verbsWhileResting = { ...verbsWhileRunning, 'retry-now': 'queued' } as const;

export const verbsWhileScheduled = {
  ...verbsWhileResting,
  redrive: [onlyWhenOver, nothingToDo('it is to be run again at its time already')],
} as const;

const is_paused = refused('it is paused', 'resume it');

export const verbsWhilePaused = {
  pause: nothingToDo('it is paused already'),
  resume: 'queued',
  'retry-now': is_paused,
  redrive: is_paused,
} as const;

const is_cancelling = refused('it is being cancelled', 'wait until it is cancelled: then it can be redriven');

export const verbsWhileCancelling = {
  pause: is_cancelling,
  resume: is_cancelling,
  'retry-now': is_cancelling,
  redrive: is_cancelling,
  cancel: nothingToDo('it is being cancelled already'),
} as const;

const redriven = [
  { guard: 'isLater', target: 'scheduled', actions: noteRedrive },
  { target: 'queued', actions: noteRedrive },
] as const;

const has_failed = refused('it has failed', 'redrive it');

export const verbsWhenFailed = {
  pause: has_failed,
  resume: has_failed,
  'retry-now': has_failed,
  redrive: redriven,
} as const;

const was_cancelled = refused('it was cancelled', 'redrive it');

export const verbsWhenCancelled = {
  pause: was_cancelled,
  resume: was_cancelled,
  'retry-now': was_cancelled,
  redrive: redriven,
  cancel: nothingToDo('it is cancelled already'),
} as const;

const is_completed = refused('it is completed', 'nothing to do: the replica holds the snapshot');

export const verbsWhenCompleted = {
  pause: is_completed,
  resume: is_completed,
  'retry-now': is_completed,
  redrive: is_completed,
  cancel: refused('it is completed', 'icbdrep snapshot delete removes the snapshot from the replica'),
} as const;

/** After it was parked: whatever it was about to do, it does from the beginning. */
export const onWoken = [
  { guard: 'isLater', target: '.scheduled', actions: [releaseSlot, noteRedrive] },
  { target: '.queued', actions: noteRedrive },
] as const;

export const stays_as_it_is = nothingToDo('it stays as it is');
