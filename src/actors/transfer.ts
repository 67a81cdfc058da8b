/**
 * The transfer actor, on the master: "snapshot S of image I shall exist on replica R".
 *
 * It waits for its turn at the replica, plans (which parent, which codec), offers the snapshot to the replica's
 * reception, sends, and is completed when the reception says that the snapshot has its name. A lost link or a
 * restart while it sends leads to `disconnected`, from where the same attempt goes on where it was. Whatever else
 * goes wrong leads back to `queued` by a visible transition, or to `failed` if trying again cannot help.
 */
import { assign } from 'xstate';
import {
  cancelReception,
  confirm_timeout_ms,
  holdReception,
  interruptedByLink,
  interruptedByRestart,
  noteOffline,
  noteProgress,
  noteRestart,
  offer_timeout_ms,
  onLeftover,
  onPlan,
  onUncancelled,
  onUnheld,
  receptionOf,
  releaseSlot,
  requestSlot,
  restSlot,
  retryOrFail,
  retryOrFailThisAttempt,
  retryOrFailTimedOut,
  setupTransfer,
  startPlan,
  stopPlan,
} from './transfer_setup.js';
import {
  nothingToDo,
  onWoken,
  stays_as_it_is,
  verbsWhenCancelled,
  verbsWhenCompleted,
  verbsWhenFailed,
  verbsWhileCancelling,
  verbsWhileConfirming,
  verbsWhileDisconnected,
  verbsWhilePaused,
  verbsWhileQueued,
  verbsWhileResting,
  verbsWhileRunning,
  verbsWhileScheduled,
} from './transfer_verbs.js';

export const transferMachine = setupTransfer.createMachine({
  id: 'transfer',
  context: ({ input }) => ({
    ...input,
    attempt: 0,
    failures: 0,
    rests: 0,
    online: false,
    from_zero: false,
    resumed_bytes: 0,
    link_losses: 0,
    plan: null,
    offered: false,
    last_error: null,
    outcome: null,
    delay_ms: 0,
  }),
  initial: 'queued',
  on: {
    cancel: [{ guard: 'wasOffered', target: '.cancelling' }, { target: '.cancelled' }],
    // The copy is proven by its seal, whichever attempt made it.
    'reception.completed': {
      target: '.completed',
      actions: assign({ outcome: ({ event }) => event.outcome, last_error: null }),
    },
    woken: onWoken,
    restarted: nothingToDo('a restart of the master changes nothing in this state'),
    fork: nothingToDo('another transfer was made from it; this one stays as it is'),
  },
  states: {
    queued: {
      description: 'waits for its turn: the replica online, earlier transfers of the image done',
      entry: requestSlot,
      on: {
        ...verbsWhileQueued,
        'slot.granted': { target: 'planning', actions: assign({ online: true }) },
        'slot.ask': { actions: requestSlot },
      },
    },
    planning: {
      description: 'compares both sides and picks parent, stream version and codec',
      entry: [assign({ attempt: ({ context }) => context.attempt + 1, plan: null }), startPlan],
      exit: stopPlan,
      on: { ...verbsWhileRunning, ...onPlan },
    },
    starting_over: {
      description:
        'what the replica holds is not how the stream of now begins; plans anew, to send all of it',
      entry: [
        assign({ attempt: ({ context }) => context.attempt + 1, plan: null, from_zero: true }),
        startPlan,
      ],
      exit: stopPlan,
      on: { ...verbsWhileRunning, ...onPlan },
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
              stream_version: context.plan?.stream_version,
              from_zero: context.from_zero,
              ssh: context.ssh,
            },
          }),
        },
      ],
      after: {
        offer_timeout: retryOrFailTimedOut('offer', offer_timeout_ms, 'answer the offer'),
      },
      on: {
        ...verbsWhileRunning,
        'reception.ready': {
          guard: 'isOfThisAttempt',
          target: 'sending',
          actions: [
            assign(({ context, event }) => ({
              ...noteProgress(context, event.resume_bytes),
              from_zero: false,
            })),
            {
              type: 'message',
              params: ({ context }) => ({
                ...receptionOf(context),
                event: { type: 'transfer.start', attempt: context.attempt, codec: context.plan?.codec },
              }),
            },
          ],
        },
        'reception.refused': retryOrFailThisAttempt,
        'reception.failed': retryOrFailThisAttempt,
        'replica.offline': interruptedByLink,
        restarted: interruptedByRestart,
      },
    },
    sending: {
      description: 'the stream runs from btrfs send to the replica',
      entry: {
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
      exit: { type: 'stop', params: { kind: 'send' } },
      on: {
        ...verbsWhileRunning,
        'send.begun': {
          actions: assign(({ context, event }) => noteProgress(context, event.offset_bytes)),
        },
        'send.done': 'confirming',
        'send.link_lost': {
          target: 'disconnected',
          actions: assign({
            last_error: ({ event }) => event.error,
            link_losses: ({ context }) => context.link_losses + 1,
          }),
        },
        'send.mismatch': retryOrFail,
        'send.failed': retryOrFail,
        'reception.failed': retryOrFailThisAttempt,
        // The data link may outlive the control link; if it does not, its own end says so.
        'replica.offline': { actions: noteOffline },
        'replica.online': { actions: assign({ online: true }) },
        restarted: { target: 'disconnected', actions: noteRestart },
      },
    },
    disconnected: {
      description: 'the link was lost while it sent; goes on where it was as soon as the replica is back',
      after: { reconnect: { guard: 'isOnline', target: 'sending' } },
      on: {
        ...verbsWhileDisconnected,
        'replica.online': { target: 'sending', actions: assign({ online: true }) },
        'replica.offline': { actions: noteOffline },
        'reception.failed': retryOrFailThisAttempt,
        restarted: { actions: noteRestart },
      },
    },
    confirming: {
      description: 'all bytes are sent; waits until the replica has proven and named the snapshot',
      // A lost link changes nothing here: the replica finishes by itself, and says so when it is back.
      after: {
        confirm_timeout: retryOrFailTimedOut('confirm', confirm_timeout_ms, 'confirm the snapshot'),
      },
      on: {
        ...verbsWhileConfirming,
        'reception.failed': retryOrFailThisAttempt,
        // The link or the replica went down before it had taken all that was on its way.
        'reception.waiting': { guard: 'isOfThisAttempt', target: 'sending' },
      },
    },
    resting: {
      description: 'something failed; tries again after a while',
      entry: [assign({ rests: ({ context }) => context.rests + 1 }), restSlot],
      after: { backoff: 'queued' },
      on: verbsWhileResting,
    },
    paused: {
      description: 'an operator halted it; what the replica has is kept until it is resumed',
      // Later transfers of the image may overtake it.
      entry: [releaseSlot, holdReception],
      on: {
        ...verbsWhilePaused,
        ...onUnheld,
        woken: stays_as_it_is,
        restarted: nothingToDo('it stays paused'),
      },
    },
    scheduled: {
      description: 'will be run again at its time',
      after: { start_at: 'queued' },
      on: verbsWhileScheduled,
    },
    cancelling: {
      description: 'waits until the replica has removed what the transfer left there',
      entry: [releaseSlot, cancelReception],
      on: {
        ...verbsWhileCancelling,
        ...onUncancelled,
        'reception.cancelled': 'cancelled',
        woken: { target: 'cancelling', reenter: true },
      },
    },
    completed: {
      tags: 'settled',
      description: 'the replica holds the snapshot under its name',
      entry: releaseSlot,
      on: {
        ...verbsWhenCompleted,
        ...onLeftover,
        'reception.completed': nothingToDo('it is completed already'),
        woken: stays_as_it_is,
      },
    },
    failed: {
      tags: 'settled',
      description: 'trying again cannot help, or did not for too long; the replica keeps what it received',
      entry: [releaseSlot, holdReception],
      on: { ...verbsWhenFailed, ...onUnheld, woken: stays_as_it_is },
    },
    cancelled: {
      tags: 'settled',
      description: 'an operator ended it; nothing of it is left on the replica',
      entry: releaseSlot,
      on: {
        ...verbsWhenCancelled,
        ...onLeftover,
        'reception.completed': nothingToDo('it was cancelled'),
        woken: stays_as_it_is,
      },
    },
  },
});
