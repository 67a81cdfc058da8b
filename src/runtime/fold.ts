import type { MachineDefinition } from '../actors/machines.js';
import type { EventRecord, MachineSnapshot } from '../core/records.js';
import { firstStep, nextStep } from './step.js';

/** The runtime's own events in a history: they are not given to the machine. */
export const created_event = 'created';
/** A new version of the machine: carries the snapshot that it goes on with. */
export const migrated_event = 'migrated';
/** Stands for all events before it, which are gone: carries the snapshot that they made. */
export const compacted_event = 'compacted';
/** An operator lets a parked actor go on. */
export const unparked_event = 'unparked';

const runtime_events: ReadonlySet<string> = new Set([
  created_event,
  migrated_event,
  compacted_event,
  unparked_event,
]);

/** Whether the runtime itself did it, so that the machine never saw it. */
export function isRuntimeEvent({ event }: Pick<EventRecord, 'event'>): boolean {
  return runtime_events.has(event.type);
}

/**
 * The snapshot that an event of the runtime puts in the place of what was before, whatever that was: folding can begin
 * at it. Undefined for an event that carries none.
 */
export function carriedSnapshot(record: Pick<EventRecord, 'event'>): MachineSnapshot | undefined {
  const { snapshot } = record.event;
  if (!isRuntimeEvent(record) || typeof snapshot !== 'object' || snapshot === null) return undefined;
  return snapshot as MachineSnapshot;
}

/** Whether an event brings the whole snapshot with it, so that nothing before it is needed to fold. */
export function carriesSnapshot(record: Pick<EventRecord, 'event'>): boolean {
  return carriedSnapshot(record) !== undefined;
}

/** Whether folding can begin at this event. */
export function isStart(record: Pick<EventRecord, 'event'>): boolean {
  return record.event.type === created_event || carriesSnapshot(record);
}

/**
 * What an event makes of the snapshot before it; through JSON, as the row went.
 * @param snapshot undefined: the event is the first
 * @throws when there is nothing to begin with, or the machine throws
 */
export function foldStep(
  definition: MachineDefinition,
  snapshot: MachineSnapshot | undefined,
  record: EventRecord,
): MachineSnapshot {
  const { event, handled } = record;
  const carried = carriedSnapshot(record);
  if (carried !== undefined) return carried;
  if (event.type === created_event) return throughJson(firstStep(definition, event['input']).snapshot);
  if (snapshot === undefined) throw new Error('a history begins with the creation of its actor');
  if (!handled || isRuntimeEvent(record)) return snapshot;
  return throughJson(nextStep(definition, snapshot, event).snapshot);
}

/**
 * What an actor's events make of it. Invariant: this is what the actor's row holds.
 *
 * It starts from the last snapshot that an event carries, if one does: what came before was done by a machine that is
 * gone.
 * @param events all of them, or the first so many, in order
 * @throws when the events do not begin with the actor's creation, or the machine throws
 */
export function fold(definition: MachineDefinition, events: readonly EventRecord[]): MachineSnapshot {
  const start = events.findLastIndex(carriesSnapshot);
  let snapshot: MachineSnapshot | undefined;
  for (const record of events.slice(Math.max(start, 0))) snapshot = foldStep(definition, snapshot, record);
  if (snapshot === undefined) throw new Error('a history begins with the creation of its actor');
  return snapshot;
}

const throughJson = (snapshot: MachineSnapshot): MachineSnapshot =>
  JSON.parse(JSON.stringify(snapshot)) as MachineSnapshot;
