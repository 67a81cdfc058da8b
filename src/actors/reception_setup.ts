/** What the machine of a reception is made of: its guards, its delays, and what it takes note of. */
import { setup } from 'xstate';
import { backoff_ms, type BackoffPolicy } from '../core/backoff.js';
import type { ErrorCode, ErrorReport } from '../core/errors.js';
import { type MessageIntent, type RuntimeEvent, intents } from './intents.js';
import type { ReceptionContext, ReceptionEvent, ReceptionInput } from './reception_events.js';

/** Time from "ready" to the master's start after which the replica no longer waits, ms. */
export const start_timeout_ms = 600_000;
/** Time between two tries to remove what is left of an attempt, ms. */
const cleanup_retry_ms = 10_000;
/** Time until a lost data link is dialled again; the master waits for a minute. */
const reconnect_backoff: BackoffPolicy = { first_ms: 500, factor: 2, max_ms: 30_000 };

/** After these, what was received before cannot be trusted, or would lead to the same again. */
const distrusted = new Set<ErrorCode>(['HashMismatch', 'ResumeMismatch', 'StreamRefused']);

export const setupReception = setup({
  types: {
    context: {} as ReceptionContext,
    events: {} as ReceptionEvent | RuntimeEvent,
    input: {} as ReceptionInput,
    tags: {} as 'settled',
  },
  actions: intents,
  delays: {
    start_timeout: start_timeout_ms,
    cleanup_retry: cleanup_retry_ms,
    reconnect: ({ context }) => backoff_ms(context.losses, context.id, reconnect_backoff),
  },
  guards: {
    isNewOffer: ({ context, event }) => event.type === 'transfer.offer' && event.attempt > context.attempt,
    isOfThisAttempt: ({ context, event }) => 'attempt' in event && event.attempt === context.attempt,
    // The newest word of the transfer: an attempt in between that was never offered is over as well.
    isNoOlderAttempt: ({ context, event }) => 'attempt' in event && event.attempt >= context.attempt,
    cancelAsked: ({ context }) => context.cancel_asked,
    isUntold: ({ context }) => !context.failure_told && !context.cancel_asked,
    holdAsked: ({ context }) => context.hold_asked,
    isLinked: ({ context }) => context.linked,
    hasNextOffer: ({ context }) => context.next_offer !== null,
  },
});

export const noteOffer = setupReception.assign(({ context, event }) =>
  event.type === 'transfer.offer'
    ? {
        master: event.from,
        attempt: event.attempt,
        uuid: event.uuid,
        parent: event.parent,
        stream_version: event.stream_version,
        from_zero: event.from_zero,
        ssh: event.ssh ?? false,
        cancel_asked: false,
        hold_asked: false,
        failure_told: false,
        linked: true,
        error: null,
      }
    : context,
);

/** Keeps the newest offer for when the cleaning is done. */
export const noteNextOffer = setupReception.assign(({ context, event }) =>
  event.type === 'transfer.offer'
    ? {
        next_offer: {
          attempt: event.attempt,
          uuid: event.uuid,
          parent: event.parent,
          stream_version: event.stream_version,
          from_zero: event.from_zero,
          ssh: event.ssh ?? false,
        },
      }
    : context,
);

export const takeNextOffer = setupReception.assign(({ context }) => ({
  ...context.next_offer,
  next_offer: null,
  cancel_asked: false,
  hold_asked: false,
  failure_told: false,
  error: null,
}));

export const noteError = setupReception.assign({
  error: ({ event, context }) => ('error' in event ? event.error : context.error),
});

export const noteReceiveError = setupReception.assign(({ context, event }) =>
  event.type === 'receive.failed'
    ? {
        error: event.error,
        checkpoint: distrusted.has(event.error.code) ? null : context.checkpoint,
      }
    : context,
);

/** A copy that is damaged when it is to be published was damaged by what made it. */
export const notePublishError = setupReception.assign(({ context, event }) =>
  event.type === 'publish.failed'
    ? { error: event.error, checkpoint: event.error.code === 'CorruptData' ? null : context.checkpoint }
    : context,
);

/** Why the attempt failed matters more than why its rest could not be removed. */
export const noteCleanupError = setupReception.assign({
  error: ({ event, context }) => context.error ?? ('error' in event ? event.error : null),
});

export const noteCancel = setupReception.assign({
  cancel_asked: true,
  checkpoint: null,
  next_offer: null,
  master: ({ context, event }) => ('from' in event ? event.from : context.master),
});

export const noteRestart = setupReception.assign({
  linked: false,
  error: ({ context }): ErrorReport => ({
    code: 'Interrupted',
    message: 'the replica was restarted while it received',
    operation: 'receive',
    subject: `${context.image}/${context.number}`,
    retryable: true,
    hint: 'nothing to do: the transfer goes on by itself',
  }),
});

export const noteHold = setupReception.assign(({ context, event }) => {
  const held = event.type === 'transfer.hold' ? event.attempt : 0;
  const is_over = context.next_offer !== null && context.next_offer.attempt <= held;
  return { hold_asked: true, next_offer: is_over ? null : context.next_offer };
});

/** Nobody told it while it was parked whether the link is up: dialling will show. */
export const noteWoken = setupReception.assign({ linked: true });

/** A message to the transfer that this reception serves. */
export const toTransfer = (context: ReceptionContext, event: MessageIntent['event']): MessageIntent => ({
  peer: context.master,
  to: { kind: 'transfer', id: context.id },
  event: { ...event, attempt: context.attempt },
});

/** What the effects of this actor need to know to find its subvolume. */
export const place = (context: ReceptionContext) => ({
  transfer: context.id,
  attempt: context.attempt,
  image: context.image,
  number: context.number,
  uuid: context.uuid,
});

/** What the stream is, what there is of it, and which way it comes. */
export const stream = (context: ReceptionContext) => ({
  parent: context.parent,
  stream_version: context.stream_version,
  checkpoint: context.checkpoint,
  ssh: context.ssh,
});
