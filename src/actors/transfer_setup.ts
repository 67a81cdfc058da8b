/** What the machine of a transfer is made of: its guards, its delays, and what it takes note of. */
import { and, setup } from 'xstate';
import { backoff_ms } from '../core/backoff.js';
import type { ErrorReport } from '../core/errors.js';
import { type RuntimeEvent, type TellIntent, intents } from './intents.js';
import type { TransferContext, TransferEvent, TransferInput } from './transfer_events.js';

/** A replica that does not answer an offer for this long is asked again, ms. */
export const offer_timeout_ms = 120_000;

/** After the data link broke and while the control link is up: time until the replica may dial again, ms. */
const reconnect_ms = 500;

/** A replica that has all bytes must have proven, synced and named the snapshot after this long, ms. */
export const confirm_timeout_ms = 1_800_000;

const timedOut = (operation: string, replica: string, after_ms: number, what: string): ErrorReport => ({
  code: 'TimedOut',
  message: `the replica did not ${what} within ${after_ms / 1_000} s`,
  operation,
  subject: replica,
  retryable: true,
  hint: `look at the log of ${replica}`,
});

const interrupted = (why: string, subject: string): ErrorReport => ({
  code: 'Interrupted',
  message: why,
  operation: 'transfer',
  subject,
  retryable: true,
  hint: 'nothing to do: it starts again by itself',
});

export interface Scope {
  readonly context: TransferContext;
}

/** Tells the replica actor something about this transfer's slot. */
const tellReplica = ({ context }: Scope, type: string): TellIntent => ({
  to: { kind: 'replica', id: context.replica },
  event: { type, transfer: context.id, image: context.image },
});

export const requestSlot = {
  type: 'tell',
  params: (scope: Scope) => tellReplica(scope, 'slot.request'),
} as const;
export const restSlot = { type: 'tell', params: (scope: Scope) => tellReplica(scope, 'slot.rest') } as const;
export const releaseSlot = {
  type: 'tell',
  params: (scope: Scope) => tellReplica(scope, 'slot.release'),
} as const;

/** Where this transfer is served on the replica, and what makes it there if it is not. */
export const receptionOf = (context: TransferContext) => ({
  peer: context.replica,
  to: { kind: 'reception', id: context.id } as const,
  create: { id: context.id, image: context.image, number: context.number },
});

/**
 * A broken link or a crash is nobody's failure, and room on a full disk comes by waiting: a transfer may live through
 * any number of them.
 */
const uncounted = new Set(['Interrupted', 'LinkLost', 'ReplicaOffline', 'NoSpace']);

/** Failures in a row, with this one. */
const failuresWith = (context: TransferContext, error: ErrorReport): number =>
  uncounted.has(error.code) ? context.failures : context.failures + 1;

const mayRetry = (context: TransferContext, error: ErrorReport): boolean =>
  error.retryable && failuresWith(context, error) < context.failures_max;

export const setupTransfer = setup({
  types: {
    context: {} as TransferContext,
    events: {} as TransferEvent | RuntimeEvent,
    input: {} as TransferInput,
    tags: {} as 'settled',
  },
  actions: intents,
  delays: {
    backoff: ({ context }) => backoff_ms(context.rests, context.id),
    reconnect: reconnect_ms,
    offer_timeout: offer_timeout_ms,
    confirm_timeout: confirm_timeout_ms,
    start_at: ({ context }) => context.delay_ms,
  },
  guards: {
    isOfThisAttempt: ({ context, event }) => 'attempt' in event && event.attempt === context.attempt,
    helpsToRetry: ({ context, event }) => 'error' in event && mayRetry(context, event.error),
    hasTriesLeft: ({ context }) => context.failures + 1 < context.failures_max,
    wasOffered: ({ context }) => context.offered,
    isOnline: ({ context }) => context.online,
    isMismatch: ({ context, event }) =>
      'error' in event && event.error.code === 'ResumeMismatch' && mayRetry(context, event.error),
    wantsFromStart: ({ event }) => 'from_start' in event && event.from_start === true,
    isLater: ({ event }) => 'after_ms' in event && (event.after_ms ?? 0) > 0,
  },
});

const noteFailure = setupTransfer.assign({
  last_error: ({ event }) => ('error' in event ? event.error : null),
  failures: ({ context, event }) =>
    'error' in event ? failuresWith(context, event.error) : context.failures,
});

/** A failed step: rest and try again, or give up. What does not fit is not worth a rest. */
export const retryOrFail = [
  { guard: 'isMismatch', target: 'starting_over', actions: noteFailure },
  { guard: 'helpsToRetry', target: 'resting', actions: noteFailure },
  { target: 'failed', actions: noteFailure },
] as const;

/** The same, for what a peer says: only about the attempt that runs. */
export const retryOrFailThisAttempt = [
  { guard: and(['isOfThisAttempt', 'isMismatch']), target: 'starting_over', actions: noteFailure },
  { guard: and(['isOfThisAttempt', 'helpsToRetry']), target: 'resting', actions: noteFailure },
  { guard: 'isOfThisAttempt', target: 'failed', actions: noteFailure },
] as const;

/** The replica is silent: rest and try again, or give up. */
export const retryOrFailTimedOut = (operation: string, after_ms: number, what: string) => {
  const actions = setupTransfer.assign({
    failures: ({ context }) => context.failures + 1,
    last_error: ({ context }) => timedOut(operation, context.replica, after_ms, what),
  });
  return [
    { guard: 'hasTriesLeft', target: 'resting', actions },
    { target: 'failed', actions },
  ] as const;
};

export const noteOffline = setupTransfer.assign({ online: false });

export const interruptedByLink = {
  target: 'queued',
  actions: setupTransfer.assign({
    online: false,
    last_error: ({ context, event }) =>
      interrupted('reason' in event ? event.reason : 'the link was lost', context.replica),
  }),
} as const;

export const noteRestart = setupTransfer.assign({
  online: false,
  last_error: ({ context }) => interrupted('the master was restarted', context.id),
});

export const interruptedByRestart = { target: 'queued', actions: noteRestart } as const;

/** What the replica has by now; more than before is progress, after which failures are counted anew. */
export const noteProgress = (context: TransferContext, has_bytes: number) =>
  has_bytes > context.resumed_bytes
    ? { resumed_bytes: has_bytes, failures: 0, rests: 0 }
    : { resumed_bytes: has_bytes };

export const cancelReception = {
  type: 'message',
  params: ({ context }: Scope) => ({ ...receptionOf(context), event: { type: 'transfer.cancel' } }),
} as const;

/** What the replica received of it is of no use any more, if it was ever told of it. */
export const dropReception = setupTransfer.enqueueActions(({ context, enqueue }) => {
  if (context.offered) enqueue({ type: 'message', params: cancelReception.params({ context }) });
});

/** The same for each attempt, whatever it follows. */
export const startPlan = {
  type: 'effect',
  params: ({ context }: Scope) => ({
    kind: 'plan',
    params: {
      image: context.image,
      number: context.number,
      replica: context.replica,
      codec: context.codec,
      parent: context.parent,
      stream_version: context.stream_version,
    },
  }),
} as const;
export const stopPlan = { type: 'stop', params: { kind: 'plan' } } as const;

export const onPlan = {
  'plan.done': {
    target: 'offering',
    actions: setupTransfer.assign(({ context, event }) =>
      event.type === 'plan.done' ? { plan: event.result } : context,
    ),
  },
  'plan.already_there': {
    target: 'completed',
    // Another transfer was faster: what there is of this one stays for nobody.
    actions: [
      setupTransfer.assign({
        outcome: () => ({ already_there: true, stream_bytes: 0, hash: '' }),
        last_error: null,
      }),
      dropReception,
    ],
  },
  'plan.failed': retryOrFail,
  'replica.offline': interruptedByLink,
  restarted: interruptedByRestart,
} as const;

/** What the replica has received is kept there until the transfer goes on, is run again or cancelled. */
export const holdReception = setupTransfer.enqueueActions(({ context, enqueue }) => {
  if (!context.offered) return;
  const event = { type: 'transfer.hold', attempt: context.attempt };
  enqueue({ type: 'message', params: { ...receptionOf(context), event } });
});

/** A reception that speaks as if it had not heard that what it has is to be kept is told again. */
export const onUnheld = {
  'reception.ready': { actions: holdReception },
  'reception.waiting': { actions: holdReception },
} as const;

/** The same for one that has not heard that the transfer is cancelled. */
export const onUncancelled = {
  'reception.ready': { actions: cancelReception },
  'reception.waiting': { actions: cancelReception },
  'reception.refused': { actions: cancelReception },
  'reception.failed': { actions: cancelReception },
} as const;

/** After its end nobody waits for what a reception still has. */
export const onLeftover = {
  'reception.ready': { actions: cancelReception },
  'reception.waiting': { actions: cancelReception },
} as const;
