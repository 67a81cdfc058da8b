/**
 * The reception actor, on a replica: a transfer as the receiving side sees it. It has the transfer's id.
 *
 * Its word to the master is durable: `reception.completed` is said only after the snapshot stands under its
 * name and is on disk, `reception.cancelled` only after nothing of the transfer is left.
 */
import { assign, setup } from 'xstate';
import type { ErrorReport } from '../core/errors.js';
import { type MessageIntent, type RuntimeEvent, intents } from './intents.js';
import type { ReceptionContext, ReceptionEvent, ReceptionInput } from './reception_events.js';

/** Time from "ready" to the master's start after which the replica no longer waits, ms. */
const start_timeout_ms = 600_000;
/** Time between two tries to remove what is left of an attempt, ms. */
const cleanup_retry_ms = 10_000;

const setupReception = setup({
  types: {
    context: {} as ReceptionContext,
    events: {} as ReceptionEvent | RuntimeEvent,
    input: {} as ReceptionInput,
    tags: {} as 'settled',
  },
  actions: intents,
  delays: { start_timeout: start_timeout_ms, cleanup_retry: cleanup_retry_ms },
  guards: {
    isNewOffer: ({ context, event }) => event.type === 'transfer.offer' && event.attempt > context.attempt,
    isOfThisAttempt: ({ context, event }) => 'attempt' in event && event.attempt === context.attempt,
    cancelAsked: ({ context }) => context.cancel_asked,
    hasNextOffer: ({ context }) => context.next_offer !== null,
  },
});

const noteOffer = setupReception.assign(({ context, event }) =>
  event.type === 'transfer.offer'
    ? {
        master: event.from,
        attempt: event.attempt,
        uuid: event.uuid,
        parent: event.parent,
        cancel_asked: false,
        error: null,
      }
    : context,
);

/** Keeps the newest offer for when the cleaning is done. */
const noteNextOffer = setupReception.assign(({ context, event }) =>
  event.type === 'transfer.offer'
    ? { next_offer: { attempt: event.attempt, uuid: event.uuid, parent: event.parent } }
    : context,
);

const takeNextOffer = setupReception.assign(({ context }) => ({
  ...context.next_offer,
  next_offer: null,
  cancel_asked: false,
  error: null,
}));

const noteError = setupReception.assign({
  error: ({ event, context }) => ('error' in event ? event.error : context.error),
});

/** Why the attempt failed matters more than why its rest could not be removed. */
const noteCleanupError = setupReception.assign({
  error: ({ event, context }) => context.error ?? ('error' in event ? event.error : null),
});

const noteCancel = setupReception.assign({
  cancel_asked: true,
  next_offer: null,
  master: ({ context, event }) => ('from' in event ? event.from : context.master),
});

const noteRestart = setupReception.assign({
  error: ({ context }): ErrorReport => ({
    code: 'Interrupted',
    message: 'the replica was restarted while it received',
    operation: 'receive',
    subject: `${context.image}/${context.number}`,
    retryable: true,
    hint: 'nothing to do: the transfer starts again by itself',
  }),
});

/** A message to the transfer that this reception serves. */
const toTransfer = (context: ReceptionContext, event: MessageIntent['event']): MessageIntent => ({
  peer: context.master,
  to: { kind: 'transfer', id: context.id },
  event: { ...event, attempt: context.attempt },
});

/** What the effects of this actor need to know to find its subvolume. */
const place = (context: ReceptionContext) => ({
  transfer: context.id,
  attempt: context.attempt,
  image: context.image,
  number: context.number,
  uuid: context.uuid,
});

export const receptionMachine = setupReception.createMachine({
  id: 'reception',
  context: ({ input }) => ({
    ...input,
    master: '',
    attempt: 0,
    uuid: '',
    parent: null,
    codec: 'none',
    received_attempt: 0,
    next_offer: null,
    cancel_asked: false,
    error: null,
    outcome: null,
  }),
  initial: 'idle',
  on: {
    'transfer.offer': { guard: 'isNewOffer', target: '.preparing', actions: noteOffer },
    'transfer.cancel': { target: '.cleaning', actions: noteCancel },
  },
  states: {
    idle: { description: 'made by the first message of its transfer' },
    preparing: {
      description: 'looks whether it can take the snapshot, and removes what an earlier attempt left',
      entry: {
        type: 'effect',
        params: ({ context }) => ({
          kind: 'prepare',
          params: { ...place(context), parent: context.parent },
        }),
      },
      exit: { type: 'stop', params: { kind: 'prepare' } },
      on: {
        'prepare.done': 'ready',
        'prepare.already_there': {
          target: 'completed',
          actions: assign({ outcome: () => ({ already_there: true, stream_bytes: 0, hash: '' }) }),
        },
        'prepare.failed': { target: 'refused', actions: noteError },
        restarted: { target: 'preparing', reenter: true },
      },
    },
    ready: {
      description: 'has said yes; waits for the master to start the stream',
      entry: {
        type: 'message',
        params: ({ context }) => toTransfer(context, { type: 'reception.ready' }),
      },
      after: {
        start_timeout: {
          target: 'failed',
          actions: assign({
            error: ({ context }): ErrorReport => ({
              code: 'TimedOut',
              message: `the master did not start the stream within ${start_timeout_ms / 1_000} s`,
              operation: 'receive',
              subject: `${context.image}/${context.number}`,
              retryable: true,
              hint: `look at the log of ${context.master}`,
            }),
          }),
        },
      },
      on: {
        'transfer.start': {
          guard: 'isOfThisAttempt',
          target: 'receiving',
          actions: assign({ codec: ({ event }) => event.codec }),
        },
      },
    },
    receiving: {
      description: 'the stream runs into btrfs receive, under a hidden name',
      entry: {
        type: 'effect',
        params: ({ context }) => ({
          kind: 'receive',
          params: { ...place(context), codec: context.codec, master: context.master },
        }),
      },
      exit: { type: 'stop', params: { kind: 'receive' } },
      on: {
        'receive.done': {
          target: 'publishing',
          actions: assign({
            outcome: ({ event }) => ({ already_there: false, ...event.result }),
            received_attempt: ({ context }) => context.attempt,
          }),
        },
        'receive.failed': { target: 'cleaning', actions: noteError },
        restarted: { target: 'cleaning', actions: noteRestart },
      },
    },
    publishing: {
      description: 'the hashes agreed; makes the snapshot durable and gives it its name',
      entry: {
        type: 'effect',
        params: ({ context }) => ({
          kind: 'publish',
          params: { ...place(context), attempt: context.received_attempt },
        }),
      },
      on: {
        'publish.done': 'completed',
        'publish.failed': { target: 'cleaning', actions: noteError },
        restarted: { target: 'publishing', reenter: true },
        // What is proven is not thrown away: the newer attempt gets this one's copy.
        'transfer.offer': {
          guard: 'isNewOffer',
          actions: assign({ attempt: ({ event }) => event.attempt, cancel_asked: false }),
        },
        // The same for a cancellation, unless publishing fails.
        'transfer.cancel': { actions: noteCancel },
      },
    },
    cleaning: {
      description: 'removes what the attempt left',
      entry: { type: 'effect', params: ({ context }) => ({ kind: 'cleanup', params: place(context) }) },
      exit: { type: 'stop', params: { kind: 'cleanup' } },
      on: {
        'cleanup.done': [
          { guard: 'hasNextOffer', target: 'preparing', actions: takeNextOffer },
          { guard: 'cancelAsked', target: 'cancelled' },
          { target: 'failed' },
        ],
        'cleanup.failed': { target: 'unclean', actions: noteCleanupError },
        'transfer.offer': { guard: 'isNewOffer', actions: noteNextOffer },
        'transfer.cancel': { actions: noteCancel },
        restarted: { target: 'cleaning', reenter: true },
      },
    },
    unclean: {
      description: 'could not remove what the attempt left; tries again after a while',
      after: { cleanup_retry: 'cleaning' },
      on: {
        'transfer.offer': { guard: 'isNewOffer', actions: noteNextOffer },
        'transfer.cancel': { actions: noteCancel },
      },
    },
    completed: {
      tags: 'settled',
      description: 'the snapshot stands under its name, on disk',
      entry: [
        {
          type: 'message',
          params: ({ context }) =>
            toTransfer(context, { type: 'reception.completed', outcome: context.outcome }),
        },
        {
          type: 'tell',
          params: ({ context }) => ({
            to: { kind: 'image', id: context.image },
            event: { type: 'image.rescan' },
          }),
        },
      ],
      on: { 'transfer.cancel': { target: 'completed', reenter: true } },
    },
    failed: {
      tags: 'settled',
      description: 'the attempt failed and is cleaned up; the transfer may offer another',
      entry: {
        type: 'message',
        params: ({ context }) => toTransfer(context, { type: 'reception.failed', error: context.error }),
      },
    },
    refused: {
      tags: 'settled',
      description: 'this node cannot take the snapshot now',
      entry: {
        type: 'message',
        params: ({ context }) => toTransfer(context, { type: 'reception.refused', error: context.error }),
      },
    },
    cancelled: {
      tags: 'settled',
      description: 'the transfer was cancelled and nothing of it is left here',
      entry: {
        type: 'message',
        params: ({ context }) => toTransfer(context, { type: 'reception.cancelled' }),
      },
      on: { 'transfer.cancel': { target: 'cancelled', reenter: true } },
    },
  },
});
