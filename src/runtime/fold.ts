import type { MachineDefinition } from '../actors/machines.js';
import type { EventRecord, MachineSnapshot } from '../core/records.js';
import { firstStep, nextStep } from './step.js';

/** The runtime's own events in a history: they replace the snapshot and are not given to the machine. */
export const created_event = 'created';
export const migrated_event = 'migrated';

/**
 * What an actor's events make of it, from the first on. Invariant: this is what the actor's row holds.
 * @param events all of them, in order
 * @throws when the events do not begin with the actor's creation, or the machine throws
 */
export function fold(definition: MachineDefinition, events: readonly EventRecord[]): MachineSnapshot {
  const [first, ...rest] = events;
  if (first === undefined || first.event.type !== created_event) {
    throw new Error('a history begins with the creation of its actor');
  }
  let { snapshot } = firstStep(definition, first.event['input']);
  for (const { event, handled } of rest) {
    if (event.type === migrated_event) snapshot = event['snapshot'] as MachineSnapshot;
    else if (handled) snapshot = nextStep(definition, snapshot, event).snapshot;
  }
  // Through JSON, as the row went.
  return JSON.parse(JSON.stringify(snapshot)) as MachineSnapshot;
}
