/**
 * The transfer actor, on the master: "snapshot S of image I shall exist on replica R".
 *
 * It waits for its turn at the replica, plans (which parent, which codec), offers the snapshot to the replica's
 * reception, sends, and is completed when the reception says that the snapshot has its name. Whatever goes
 * wrong on the way leads back to `queued` by a visible transition, or to `failed` if trying again cannot help.
 */
import { assign, setup } from 'xstate';
import { backoff_ms } from '../core/backoff.js';
import type { ErrorReport } from '../core/errors.js';
import { type RuntimeEvent, type TellIntent, intents } from './intents.js';
import type { TransferContext, TransferEvent, TransferInput } from './transfer_events.js';

/** A replica that does not answer an offer for this long is asked again, ms. */
const offer_timeout_ms = 120_000;

/** A replica that has all bytes must have proven, synced and named the snapshot after this long, ms. */
const confirm_timeout_ms = 1_800_000;

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

interface Scope {
  readonly context: TransferContext;
}

/** Tells the replica actor something about this transfer's slot. */
const tellReplica = ({ context }: Scope, type: string): TellIntent => ({
  to: { kind: 'replica', id: context.replica },
  event: { type, transfer: context.id, image: context.image },
});

const requestSlot = { type: 'tell', params: (scope: Scope) => tellReplica(scope, 'slot.request') } as const;
const restSlot = { type: 'tell', params: (scope: Scope) => tellReplica(scope, 'slot.rest') } as const;
const releaseSlot = { type: 'tell', params: (scope: Scope) => tellReplica(scope, 'slot.release') } as const;

/** Where this transfer is served on the replica, and what makes it there if it is not. */
const receptionOf = (context: TransferContext) => ({
  peer: context.replica,
  to: { kind: 'reception', id: context.id } as const,
  create: { id: context.id, image: context.image, number: context.number },
});

/** A broken link or a crash is nobody's failure: a transfer may live through any number of them. */
const uncounted = new Set(['Interrupted', 'LinkLost', 'ReplicaOffline']);

/** Failures in a row, with this one. */
const failuresWith = (context: TransferContext, error: ErrorReport): number =>
  uncounted.has(error.code) ? context.failures : context.failures + 1;

const mayRetry = (context: TransferContext, error: ErrorReport): boolean =>
  error.retryable && failuresWith(context, error) < context.failures_max;

const setupTransfer = setup({
  types: {
    context: {} as TransferContext,
    events: {} as TransferEvent | RuntimeEvent,
    input: {} as TransferInput,
    tags: {} as 'settled',
  },
  actions: intents,
  delays: {
    backoff: ({ context }) => backoff_ms(context.failures, context.id),
    offer_timeout: offer_timeout_ms,
    confirm_timeout: confirm_timeout_ms,
  },
  guards: {
    isOfThisAttempt: ({ context, event }) => 'attempt' in event && event.attempt === context.attempt,
    helpsToRetry: ({ context, event }) => 'error' in event && mayRetry(context, event.error),
    hasTriesLeft: ({ context }) => context.failures + 1 < context.failures_max,
    wasOffered: ({ context }) => context.offered,
  },
});

const noteFailure = setupTransfer.assign({
  last_error: ({ event }) => ('error' in event ? event.error : null),
  failures: ({ context, event }) =>
    'error' in event ? failuresWith(context, event.error) : context.failures,
});

/** A failed step: rest and try again, or give up. */
const retryOrFail = [
  { guard: 'helpsToRetry', target: 'resting', actions: noteFailure },
  { target: 'failed', actions: noteFailure },
] as const;

/** The same, for what a peer says: only about the attempt that runs. */
const retryOrFailThisAttempt = [
  {
    guard: ({ context, event }: { context: TransferContext; event: TransferEvent | RuntimeEvent }) =>
      'attempt' in event &&
      event.attempt === context.attempt &&
      'error' in event &&
      mayRetry(context, event.error),
    target: 'resting',
    actions: noteFailure,
  },
  { guard: 'isOfThisAttempt', target: 'failed', actions: noteFailure },
] as const;

/** The replica is silent: rest and try again, or give up. */
const retryOrFailTimedOut = (operation: string, after_ms: number, what: string) => {
  const actions = setupTransfer.assign({
    failures: ({ context }) => context.failures + 1,
    last_error: ({ context }) => timedOut(operation, context.replica, after_ms, what),
  });
  return [
    { guard: 'hasTriesLeft', target: 'resting', actions },
    { target: 'failed', actions },
  ] as const;
};

const interruptedByLink = {
  target: 'queued',
  actions: setupTransfer.assign({
    last_error: ({ context, event }) =>
      interrupted('reason' in event ? event.reason : 'the link was lost', context.replica),
  }),
} as const;

const interruptedByRestart = {
  target: 'queued',
  actions: setupTransfer.assign({
    last_error: ({ context }) => interrupted('the master was restarted', context.id),
  }),
} as const;

export const transferMachine = setupTransfer.createMachine({
  id: 'transfer',
  context: ({ input }) => ({
    ...input,
    attempt: 0,
    failures: 0,
    plan: null,
    offered: false,
    last_error: null,
    outcome: null,
  }),
  initial: 'queued',
  on: {
    cancel: [{ guard: 'wasOffered', target: '.cancelling' }, { target: '.cancelled' }],
    // The copy is proven by its seal, whichever attempt made it.
    'reception.completed': {
      target: '.completed',
      actions: assign({ outcome: ({ event }) => event.outcome, last_error: null }),
    },
  },
  states: {
    queued: {
      description: 'waits for its turn: the replica online, earlier transfers of the image done',
      entry: requestSlot,
      on: { 'slot.granted': 'planning' },
    },
    planning: {
      description: 'compares both sides and picks parent, stream version and codec',
      entry: [
        assign({ attempt: ({ context }) => context.attempt + 1, plan: null }),
        {
          type: 'effect',
          params: ({ context }) => ({
            kind: 'plan',
            params: {
              image: context.image,
              number: context.number,
              replica: context.replica,
              codec: context.codec,
            },
          }),
        },
      ],
      exit: { type: 'stop', params: { kind: 'plan' } },
      on: {
        'plan.done': { target: 'offering', actions: assign({ plan: ({ event }) => event.result }) },
        'plan.already_there': {
          target: 'completed',
          actions: assign({
            outcome: () => ({ already_there: true, stream_bytes: 0, hash: '' }),
            last_error: null,
          }),
        },
        'plan.failed': retryOrFail,
        'replica.offline': interruptedByLink,
        restarted: interruptedByRestart,
      },
    },
    offering: {
      description: 'asks the replica whether it can take the snapshot',
      entry: [
        assign({ offered: true }),
        {
          type: 'message',
          params: ({ context }) => ({
            ...receptionOf(context),
            event: {
              type: 'transfer.offer',
              attempt: context.attempt,
              uuid: context.plan?.uuid,
              parent: context.plan?.parent ?? null,
            },
          }),
        },
      ],
      after: {
        offer_timeout: retryOrFailTimedOut('offer', offer_timeout_ms, 'answer the offer'),
      },
      on: {
        'reception.ready': { guard: 'isOfThisAttempt', target: 'sending' },
        'reception.refused': retryOrFailThisAttempt,
        'reception.failed': retryOrFailThisAttempt,
        'replica.offline': interruptedByLink,
        restarted: interruptedByRestart,
      },
    },
    sending: {
      description: 'the stream runs from btrfs send to the replica',
      entry: [
        {
          type: 'effect',
          params: ({ context }) => ({
            kind: 'send',
            params: {
              transfer: context.id,
              attempt: context.attempt,
              replica: context.replica,
              image: context.image,
              number: context.number,
              plan: context.plan,
            },
          }),
        },
        {
          type: 'message',
          params: ({ context }) => ({
            ...receptionOf(context),
            event: { type: 'transfer.start', attempt: context.attempt, codec: context.plan?.codec },
          }),
        },
      ],
      exit: { type: 'stop', params: { kind: 'send' } },
      on: {
        'send.done': 'confirming',
        'send.failed': retryOrFail,
        'reception.failed': retryOrFailThisAttempt,
        'replica.offline': interruptedByLink,
        restarted: interruptedByRestart,
      },
    },
    confirming: {
      description: 'all bytes are sent; waits until the replica has proven and named the snapshot',
      // A lost link changes nothing here: the replica finishes by itself, and says so when it is back.
      after: {
        confirm_timeout: retryOrFailTimedOut('confirm', confirm_timeout_ms, 'confirm the snapshot'),
      },
      on: { 'reception.failed': retryOrFailThisAttempt },
    },
    resting: {
      description: 'something failed; tries again after a while',
      entry: restSlot,
      after: { backoff: 'queued' },
    },
    cancelling: {
      description: 'waits until the replica has removed what the transfer left there',
      entry: [
        releaseSlot,
        {
          type: 'message',
          params: ({ context }) => ({
            ...receptionOf(context),
            event: { type: 'transfer.cancel' },
          }),
        },
      ],
      on: {
        'reception.cancelled': 'cancelled',
        cancel: {},
      },
    },
    completed: {
      tags: 'settled',
      description: 'the replica holds the snapshot under its name',
      entry: releaseSlot,
      on: { cancel: {}, 'reception.completed': {} },
    },
    failed: {
      tags: 'settled',
      description: 'trying again cannot help, or did not for too long',
      entry: releaseSlot,
    },
    cancelled: {
      tags: 'settled',
      description: 'an operator ended it; nothing of it is left on the replica',
      entry: releaseSlot,
      on: { cancel: {}, 'reception.completed': {} },
    },
  },
});
