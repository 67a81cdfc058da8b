/**
 * The reception actor, on a replica: a transfer as the receiving side sees it. It has the transfer's id.
 *
 * What it has received is kept as a checkpoint through lost links, restarts and most failures, so that the transfer
 * goes on there. Its word to the master is durable: `reception.completed` is said only after the snapshot stands under its
 * name and is on disk, `reception.cancelled` only after nothing of the transfer is left.
 */
import { assign } from 'xstate';
import type { ErrorReport } from '../core/errors.js';
import {
  noteCancel,
  noteCleanupError,
  noteError,
  noteHold,
  noteNextOffer,
  noteOffer,
  notePublishError,
  noteReceiveError,
  noteRestart,
  noteWoken,
  place,
  setupReception,
  start_timeout_ms,
  stream,
  takeNextOffer,
  toTransfer,
} from './reception_setup.js';

export const receptionMachine = setupReception.createMachine({
  id: 'reception',
  context: ({ input }) => ({
    ...input,
    master: '',
    attempt: 0,
    uuid: '',
    parent: null,
    stream_version: 1,
    from_zero: false,
    ssh: false,
    codec: 'none',
    checkpoint: null,
    start_reason: '',
    begun_bytes: 0,
    linked: false,
    losses: 0,
    hidden_name: '',
    next_offer: null,
    cancel_asked: false,
    hold_asked: false,
    failure_told: false,
    error: null,
    outcome: null,
  }),
  initial: 'idle',
  on: {
    'transfer.offer': { guard: 'isNewOffer', target: '.preparing', actions: noteOffer },
    'transfer.cancel': { target: '.cleaning', actions: noteCancel },
    'transfer.hold': { guard: 'isNoOlderAttempt', target: '.cleaning', actions: noteHold },
    'link.up': { actions: assign({ linked: true }) },
    'link.down': { actions: assign({ linked: false }) },
    woken: { description: 'there is nothing to go on with' },
  },
  states: {
    idle: { description: 'made by the first message of its transfer' },
    preparing: {
      description: 'looks whether it can take the snapshot, and removes what an earlier attempt left',
      entry: {
        type: 'effect',
        params: ({ context }) => ({
          kind: 'prepare',
          params: { ...place(context), ...stream(context), from_zero: context.from_zero },
        }),
      },
      exit: { type: 'stop', params: { kind: 'prepare' } },
      on: {
        'prepare.done': {
          target: 'ready',
          actions: assign(({ context, event }) => ({
            checkpoint: event.keeps_checkpoint ? context.checkpoint : null,
            begun_bytes: event.resume_bytes,
            start_reason: event.reason,
          })),
        },
        'prepare.already_there': {
          target: 'completed',
          actions: assign({
            outcome: () => ({ already_there: true, stream_bytes: 0, hash: '' }),
            checkpoint: null,
          }),
        },
        'prepare.failed': { target: 'refused', actions: noteError },
        restarted: { target: 'preparing', reenter: true },
        woken: { target: 'preparing', reenter: true },
      },
    },
    ready: {
      description: 'has said yes; waits for the master to start the stream',
      entry: {
        type: 'message',
        params: ({ context }) =>
          toTransfer(context, {
            type: 'reception.ready',
            resume_bytes: context.checkpoint?.offset_bytes ?? 0,
          }),
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
          actions: assign({ codec: ({ event }) => event.codec, linked: true, losses: 0 }),
        },
        woken: 'preparing',
      },
    },
    receiving: {
      description: 'the stream runs into btrfs receive, under a hidden name',
      entry: {
        type: 'effect',
        params: ({ context }) => ({
          kind: 'receive',
          params: { ...place(context), ...stream(context), codec: context.codec },
        }),
      },
      exit: { type: 'stop', params: { kind: 'receive' } },
      on: {
        'receive.begun': { actions: assign({ begun_bytes: ({ event }) => event.offset_bytes }) },
        'receive.checkpoint': {
          actions: assign({ checkpoint: ({ event }) => event.checkpoint, losses: 0 }),
        },
        'receive.checkpoint_lost': {
          actions: assign({ checkpoint: null, start_reason: ({ event }) => event.reason }),
        },
        'receive.done': {
          target: 'publishing',
          actions: assign(({ event: { result } }) => ({
            outcome: { already_there: false, stream_bytes: result.stream_bytes, hash: result.hash },
            hidden_name: result.hidden_name,
          })),
        },
        'receive.link_lost': {
          target: 'disconnected',
          actions: assign({
            error: ({ event }) => event.error,
            losses: ({ context }) => context.losses + 1,
          }),
        },
        'receive.failed': { target: 'cleaning', actions: noteReceiveError },
        restarted: { target: 'disconnected', actions: noteRestart },
        woken: { target: 'disconnected', actions: noteWoken },
      },
    },
    disconnected: {
      description: 'the link was lost while it received; goes on behind its checkpoint when it is back',
      // The master may think that all has arrived.
      entry: {
        type: 'message',
        params: ({ context }) => toTransfer(context, { type: 'reception.waiting' }),
      },
      after: { reconnect: { guard: 'isLinked', target: 'receiving' } },
      on: {
        'link.up': { target: 'receiving', actions: assign({ linked: true }) },
        restarted: { actions: noteRestart },
        woken: { target: 'disconnected', reenter: true, actions: noteWoken },
      },
    },
    publishing: {
      description: 'the hashes agreed; makes the snapshot durable and gives it its name',
      entry: {
        type: 'effect',
        params: ({ context }) => ({
          kind: 'publish',
          params: { ...place(context), hidden_name: context.hidden_name },
        }),
      },
      on: {
        'publish.done': { target: 'completed', actions: assign({ checkpoint: null }) },
        'publish.failed': { target: 'cleaning', actions: notePublishError },
        restarted: { target: 'publishing', reenter: true },
        woken: { target: 'publishing', reenter: true },
        // What is proven is not thrown away: the newer attempt gets this one's copy.
        'transfer.offer': {
          guard: 'isNewOffer',
          actions: assign({ attempt: ({ event }) => event.attempt, cancel_asked: false }),
        },
        // The same for a cancellation, unless publishing fails.
        'transfer.cancel': { actions: noteCancel },
        'transfer.hold': {},
      },
    },
    cleaning: {
      description: 'removes what the attempt left, but for a checkpoint from which it can go on',
      entry: {
        type: 'effect',
        params: ({ context }) => ({
          kind: 'cleanup',
          params: { ...place(context), keep: context.checkpoint?.name ?? null },
        }),
      },
      exit: { type: 'stop', params: { kind: 'cleanup' } },
      on: {
        'cleanup.done': [
          { guard: 'hasNextOffer', target: 'preparing', actions: takeNextOffer },
          { guard: 'cancelAsked', target: 'cancelled' },
          { guard: 'holdAsked', target: 'held' },
          { target: 'failed' },
        ],
        'cleanup.failed': [
          {
            guard: 'isUntold',
            target: 'unclean',
            actions: [
              noteCleanupError,
              assign({ failure_told: true }),
              {
                type: 'message',
                params: ({ context }) =>
                  toTransfer(context, { type: 'reception.failed', error: context.error }),
              },
            ],
          },
          { target: 'unclean', actions: noteCleanupError },
        ],
        'transfer.offer': { guard: 'isNewOffer', actions: noteNextOffer },
        // Nothing is to be kept any more.
        'transfer.cancel': { target: 'cleaning', reenter: true, actions: noteCancel },
        'transfer.hold': { actions: noteHold },
        restarted: { target: 'cleaning', reenter: true },
        woken: { target: 'cleaning', reenter: true },
      },
    },
    unclean: {
      description: 'could not remove what the attempt left; tries again after a while',
      after: { cleanup_retry: 'cleaning' },
      on: {
        'transfer.offer': {
          guard: 'isNewOffer',
          actions: {
            type: 'message',
            params: ({ context, event }) => {
              const refused = toTransfer(context, { type: 'reception.refused', error: context.error });
              return { ...refused, event: { ...refused.event, attempt: event.attempt } };
            },
          },
        },
        'transfer.cancel': { actions: noteCancel },
        'transfer.hold': { actions: noteHold },
        woken: 'cleaning',
      },
    },
    held: {
      tags: 'settled',
      description:
        'the transfer failed or is paused; what was received is kept until it goes on or is cancelled',
      on: { 'transfer.hold': {} },
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
      on: { 'transfer.cancel': { target: 'completed', reenter: true }, 'transfer.hold': {} },
    },
    failed: {
      tags: 'settled',
      description: 'the attempt failed and is cleaned up; the transfer may offer another',
      on: { 'transfer.hold': { guard: 'isNoOlderAttempt', target: 'held', actions: noteHold } },
      entry: {
        type: 'message',
        params: ({ context }) => toTransfer(context, { type: 'reception.failed', error: context.error }),
      },
    },
    refused: {
      tags: 'settled',
      description: 'this node cannot take the snapshot now',
      on: { 'transfer.hold': {} },
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
      on: { 'transfer.cancel': { target: 'cancelled', reenter: true }, 'transfer.hold': {} },
    },
  },
});
