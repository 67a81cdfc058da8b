/**
 * The replica actor, on the master: one for each replica node.
 *
 * It knows whether the node's control link is up and whether the node answers keep-alives on it, and gives out
 * slots: which transfers may run now. Transfers of one image take turns in the order of their requests, so that
 * a later snapshot finds the earlier one there and can be sent as an increment of it.
 */
import { setup } from 'xstate';
import type { Capabilities } from '../core/codecs.js';
import { type RuntimeEvent, type TellIntent, type Timed, intents } from './intents.js';

export interface ReplicaInput {
  /** The node's number in the fleet, from 1. */
  readonly node_id: number;
  readonly name: string;
  /** Transfers that may run to it at a time. */
  readonly slots_max: number;
}

/** `waiting`: wants a slot. `running`: has one. `resting`: keeps its place in the queue, wants none now. */
export interface SlotEntry {
  readonly transfer: string;
  readonly image: string;
  readonly state: 'waiting' | 'running' | 'resting';
}

export interface ReplicaContext extends ReplicaInput {
  /** The control link that is up; empty if none. */
  readonly session: string;
  readonly address: string;
  readonly capabilities: Capabilities | null;
  /** When it came into its state, unix ms; null: it never connected. */
  readonly changed_at_ms: number | null;
  /** When the link that is up came up, unix ms; null if none is. */
  readonly linked_at_ms: number | null;
  /** Why it is offline or suspect; empty in the other states. */
  readonly reason: string;
  /** In the order of the first request. */
  readonly queue: readonly SlotEntry[];
}

/** What the keep-alives have found out, as far as it is news. */
export type KeepAliveEvent =
  | {
      /** The first keep-alive without an answer, after one with or at the beginning. */
      readonly type: 'keepalive.missed';
      readonly session: string;
      /** Keep-alives in a row that had no answer. */
      readonly tries: number;
      readonly reason: string;
    }
  | {
      /** The first answer on a link, or after a keep-alive without one. */
      readonly type: 'keepalive.answered';
      readonly session: string;
      /** Null: bytes of the peer came, but not the answer itself. */
      readonly round_trip_ms: number | null;
    };

export type ReplicaEvent = (
  | {
      readonly type: 'link.up';
      readonly session: string;
      readonly address: string;
      readonly capabilities: Capabilities;
    }
  | { readonly type: 'link.down'; readonly session: string; readonly reason: string }
  | KeepAliveEvent
  | { readonly type: 'configure'; readonly node_id: number; readonly slots_max: number }
  | { readonly type: 'slot.request'; readonly transfer: string; readonly image: string }
  | { readonly type: 'slot.rest'; readonly transfer: string }
  | { readonly type: 'slot.release'; readonly transfer: string }
) &
  Timed;

/**
 * The transfers that get a slot now: at most one for each image, the first of the image's in the queue, while
 * there are slots.
 */
export function grantable(queue: readonly SlotEntry[], slots_max: number): string[] {
  let free = slots_max - queue.filter((entry) => entry.state === 'running').length;
  const taken_images = new Set<string>();
  const granted: string[] = [];
  for (const entry of queue) {
    if (free <= 0) break;
    const is_first_of_image = !taken_images.has(entry.image);
    taken_images.add(entry.image);
    if (!is_first_of_image || entry.state !== 'waiting') continue;
    granted.push(entry.transfer);
    free -= 1;
  }
  return granted;
}

function requested(queue: readonly SlotEntry[], transfer: string, image: string): SlotEntry[] {
  const waiting = { transfer, image, state: 'waiting' } as const;
  if (!queue.some((entry) => entry.transfer === transfer)) return [...queue, waiting];
  return queue.map((entry) => (entry.transfer === transfer ? waiting : entry));
}

function withState(
  queue: readonly SlotEntry[],
  transfers: readonly string[],
  state: SlotEntry['state'],
): SlotEntry[] {
  const chosen = new Set(transfers);
  return queue.map((entry) => (chosen.has(entry.transfer) ? { ...entry, state } : entry));
}

const tellTransfer = (id: string, event: TellIntent['event']): TellIntent => ({
  to: { kind: 'transfer', id },
  event,
});

const setupReplica = setup({
  types: {
    context: {} as ReplicaContext,
    events: {} as ReplicaEvent | RuntimeEvent,
    input: {} as ReplicaInput,
  },
  actions: intents,
  guards: {
    isThisSession: ({ context, event }) => 'session' in event && event.session === context.session,
  },
});

/** Gives the free slots out; after every change of the queue while the node can be trusted to answer. */
const grant = setupReplica.enqueueActions(({ context, enqueue }) => {
  const granted = grantable(context.queue, context.slots_max);
  if (granted.length === 0) return;
  enqueue.assign({ queue: withState(context.queue, granted, 'running') });
  enqueue({ type: 'tell', params: granted.map((id) => tellTransfer(id, { type: 'slot.granted' })) });
});

const running = (context: ReplicaContext): string[] =>
  context.queue.filter((entry) => entry.state === 'running').map((entry) => entry.transfer);

/**
 * Tells who holds a slot that the link is gone. Each keeps its slot for as long as it wants to go on where it was;
 * nobody else could use it meanwhile.
 */
const tellOffline = setupReplica.enqueueActions(({ context, event, enqueue }) => {
  const reason = 'reason' in event ? event.reason : 'the master was restarted';
  enqueue({
    type: 'tell',
    params: running(context).map((id) => tellTransfer(id, { type: 'replica.offline', reason })),
  });
});

const tellOnline = setupReplica.enqueueActions(({ context, enqueue }) => {
  enqueue({
    type: 'tell',
    params: running(context).map((id) => tellTransfer(id, { type: 'replica.online' })),
  });
});

const noteLinkUp = setupReplica.assign(({ context, event }) =>
  event.type === 'link.up'
    ? {
        session: event.session,
        address: event.address,
        capabilities: event.capabilities,
        changed_at_ms: event.at_ms,
        linked_at_ms: event.at_ms,
        reason: '',
      }
    : context,
);

const noteLinkDown = setupReplica.assign({
  session: '',
  address: '',
  changed_at_ms: ({ event }) => event.at_ms,
  linked_at_ms: null,
  reason: ({ event }) => ('reason' in event ? event.reason : 'the master was restarted'),
});

const noteMissed = setupReplica.assign({
  changed_at_ms: ({ event }) => event.at_ms,
  reason: ({ context, event }) => ('reason' in event ? event.reason : context.reason),
});

const noteAnswered = setupReplica.assign({
  changed_at_ms: ({ event }) => event.at_ms,
  reason: '',
});

const noteRequest = setupReplica.assign({
  queue: ({ context, event }) =>
    event.type === 'slot.request' ? requested(context.queue, event.transfer, event.image) : context.queue,
});

const noteRest = setupReplica.assign({
  queue: ({ context, event }) =>
    event.type === 'slot.rest' ? withState(context.queue, [event.transfer], 'resting') : context.queue,
});

const noteRelease = setupReplica.assign({
  queue: ({ context, event }) =>
    event.type === 'slot.release'
      ? context.queue.filter((entry) => entry.transfer !== event.transfer)
      : context.queue,
});

const noteConfiguration = setupReplica.assign(({ context, event }) =>
  event.type === 'configure' ? { node_id: event.node_id, slots_max: event.slots_max } : context,
);

/** What is the same whenever its link is up. */
const whileLinked = {
  // A new link of the same node: what ran over the old one is gone.
  'link.up': { target: 'back', reenter: true, actions: [tellOffline, noteLinkUp, tellOnline] },
  'link.down': { guard: 'isThisSession', target: 'offline', actions: [tellOffline, noteLinkDown] },
  restarted: { target: 'offline', actions: [tellOffline, noteLinkDown] },
} as const;

const isMissed = { guard: 'isThisSession', target: 'suspect', actions: noteMissed } as const;
const isAnswered = { guard: 'isThisSession', target: 'online', actions: noteAnswered } as const;

/** The queue changes, and whoever can run now gets its slot. */
const whileGranting = {
  'slot.request': { actions: [noteRequest, grant] },
  'slot.rest': { actions: [noteRest, grant] },
  'slot.release': { actions: [noteRelease, grant] },
  configure: { actions: [noteConfiguration, grant] },
};

/** The queue changes, and nobody gets a slot. */
const whileWaiting = {
  'slot.request': { actions: noteRequest },
  'slot.rest': { actions: noteRest },
  'slot.release': { actions: noteRelease },
  configure: { actions: noteConfiguration },
};

export const replicaMachine = setupReplica.createMachine({
  id: 'replica',
  context: ({ input }) => ({
    ...input,
    session: '',
    address: '',
    capabilities: null,
    changed_at_ms: null,
    linked_at_ms: null,
    reason: 'it has not connected yet',
    queue: [],
  }),
  initial: 'offline',
  states: {
    offline: {
      description: 'no control link; transfers wait',
      on: {
        'link.up': { target: 'back', actions: [noteLinkUp, tellOnline] },
        ...whileWaiting,
      },
    },
    back: {
      description: 'its control link is up again and transfers run; no keep-alive was answered on it yet',
      entry: grant,
      on: {
        'keepalive.answered': isAnswered,
        'keepalive.missed': isMissed,
        ...whileLinked,
        ...whileGranting,
      },
    },
    online: {
      description: 'its control link is up and it answers keep-alives; transfers run',
      entry: grant,
      on: { 'keepalive.missed': isMissed, ...whileLinked, ...whileGranting },
    },
    suspect: {
      description: 'a keep-alive had no answer; what runs goes on, nothing new begins',
      on: { 'keepalive.answered': isAnswered, ...whileLinked, ...whileWaiting },
    },
  },
});

/** Whether the control link is up: in every state but one. */
export function isConnected(state: string): boolean {
  return state !== 'offline' && Object.hasOwn(replicaMachine.states, state);
}
