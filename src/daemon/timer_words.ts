/** What happens when a timer of a machine is over, for an operator. A test keeps the lists complete. */
import type { ActorKind } from '../core/records.js';

export const timer_words: Readonly<Record<ActorKind, Readonly<Record<string, string>>>> = {
  transfer: {
    backoff: 'it tries again',
    reconnect: 'it goes on where it was, if the replica is online',
    offer_timeout: 'it waits no longer for the answer to its offer, and tries again',
    confirm_timeout: 'it waits no longer for the replica to confirm the snapshot, and tries again',
    start_at: 'it is run again',
  },
  reception: {
    start_timeout: 'it waits no longer for the master to start the stream',
    reconnect: 'it goes on behind its checkpoint, if the link to the master is up',
    cleanup_retry: 'it tries again to clean up',
  },
  image: {},
  replica: {},
};

/** Name of the delay in an id such as `xstate.after.backoff.transfer.resting`, or the id itself. */
export function nameOfTimer(id: string): string {
  return /^xstate\.after\.([^.]+)\./.exec(id)?.[1] ?? id;
}

/** What happens when a timer is over; for one that nobody described, its name in words. */
export function meaningOfTimer(kind: ActorKind, id: string): string {
  const name = nameOfTimer(id);
  return timer_words[kind][name] ?? `${name.replaceAll('_', ' ')} is over`;
}
