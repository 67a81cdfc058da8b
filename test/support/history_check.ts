/** Checks of a node's state database after the fact, apart from the code that wrote it. */
import { isDeepStrictEqual } from 'node:util';
import { machines } from '../../src/actors/machines.js';
import { compacted_event, fold } from '../../src/runtime/fold.js';
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
        if (!isDeepStrictEqual(fold(machines[kind], events), record.snapshot)) {
          problems.push(`${name}: its events do not make its snapshot`);
        }
        const first_seq = events[0]?.event.type === compacted_event ? (events[0]?.seq ?? 1) : 1;
        if (events.some(({ seq }, index) => seq !== index + first_seq))
          problems.push(`${name}: a gap in its events`);
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
