import type { MachineDefinition } from '../actors/machines.js';
import type { EventRecord, MachineSnapshot } from '../core/records.js';
import { firstStep, nextStep } from './step.js';

/** The runtime's own events in a history: they replace the snapshot and are not given to the machine. */
export const created_event = 'created';
export const migrated_event = 'migrated';
/** Stands for all events before it, which are gone. */
export const compacted_event = 'compacted';

/** Whether an event brings the whole snapshot with it, so that nothing before it is needed to fold. */
export function carriesSnapshot({ event }: Pick<EventRecord, 'event'>): boolean {
  return event.type === migrated_event || event.type === compacted_event;
}

/**
 * What an actor's events make of it. Invariant: this is what the actor's row holds.
 *
 * It starts from the last event that carries a snapshot, if there is one: what came before is gone, or was done by a
 * machine that is gone.
 * @param events all of them, or the first so many, in order
 * @throws when the events do not begin with the actor's creation, or the machine throws
 */
export function fold(definition: MachineDefinition, events: readonly EventRecord[]): MachineSnapshot {
  const start = events.findLastIndex(carriesSnapshot);
  let snapshot = start === -1 ? created(definition, events[0]) : carried(events[start]);
  for (const { event, handled } of events.slice(Math.max(start, 0) + 1)) {
    if (handled) snapshot = nextStep(definition, snapshot, event).snapshot;
  }
  // Through JSON, as the row went.
  return JSON.parse(JSON.stringify(snapshot)) as MachineSnapshot;
}

function created(definition: MachineDefinition, first: EventRecord | undefined): MachineSnapshot {
  if (first?.event.type !== created_event) {
    throw new Error('a history begins with the creation of its actor');
  }
  return firstStep(definition, first.event['input']).snapshot;
}

function carried(record: EventRecord | undefined): MachineSnapshot {
  return record?.event['snapshot'] as MachineSnapshot;
}
