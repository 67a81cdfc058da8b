import type { MachineDefinitions } from '../../actors/machines.js';
import type { ActorAddress, EventCause, EventRecord } from '../../core/records.js';
import { carriesSnapshot, compacted_event, fold } from '../../runtime/fold.js';
import type { Storage } from '../../storage/storage.js';

const pruning: EventCause = { kind: 'daemon', what: 'pruning of old events' };

/**
 * Puts one event that carries the snapshot in the place of all events from before `before_ms`. What comes after
 * it can be folded as before. To be called inside of a transaction.
 * @returns how many events are gone
 */
export function compact(
  storage: Storage,
  machines: MachineDefinitions,
  address: ActorAddress,
  before_ms: number,
): number {
  const seq = storage.pruning.lastBefore(address, before_ms);
  if (seq === null) return 0;
  const events = storage.history.events(address);
  const old = events.filter((event) => event.seq <= seq);
  // What stands before a snapshot is not needed to fold, and may be the work of a machine that is gone.
  if (!needsFolding(events, seq)) return storage.pruning.deleteBefore(address, seq + 1);
  const snapshot = fold(machines[address.kind], old);
  storage.pruning.replace(address, seq, { event: { type: compacted_event, snapshot }, cause: pruning });
  return storage.pruning.deleteBefore(address, seq);
}

const needsFolding = (events: readonly EventRecord[], seq: number): boolean =>
  !events.some((event) => event.seq > seq && carriesSnapshot(event));
