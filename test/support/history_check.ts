/** Checks of a node's state database after the fact, apart from the code that wrote it. */
import { machines } from '../../src/actors/machines.js';
import { inspectSteps } from '../../src/inspection/steps.js';
import { Storage } from '../../src/storage/storage.js';

/** What does not hold in a database that no daemon uses now; empty if all is well. */
export function checkHistory(database_file: string): string[] {
  const storage = Storage.open(database_file);
  const problems: string[] = [];
  try {
    for (const kind of ['image', 'replica', 'transfer', 'reception'] as const) {
      for (const record of storage.actors.list({ kind, limit: 100_000 })) {
        const name = `${kind}/${record.id}`;
        const events = storage.history.events(record);
        const { departure, not_folded } = inspectSteps(machines[kind], record, events);
        if (departure !== null) problems.push(`${name}: event ${departure.seq}: ${departure.reason}`);
        if (not_folded !== '') problems.push(`${name}: ${not_folded}`);
        if (events.some(({ digest }) => digest === '')) problems.push(`${name}: an event without a digest`);
        if (record.status === 'parked') problems.push(`${name}: parked: ${record.parked_reason}`);
        const effects = storage.history.effects(record);
        const times = (effect: string): number =>
          effects.filter((row) => row.kind === effect && row.status === 'done').length;
        if (times('publish') > 1) problems.push(`${name}: published ${times('publish')} times`);
        const completions = events.filter(
          ({ state, handled }, index) =>
            handled && state === 'completed' && events[index - 1]?.state !== state,
        );
        if (completions.length > 1) problems.push(`${name}: completed ${completions.length} times`);
      }
    }
  } finally {
    storage.close();
  }
  return problems;
}
