import type { EventRecord } from '../../src/core/records.js';

/** What a test that is about something else leaves out of an event. */
const plain = {
  event_id: 1,
  seq: 1,
  at_ms: 0,
  epoch: 1,
  machine_version: 1,
  cause: { kind: 'daemon', what: 'a test' },
  state_before: '',
  attempt: 0,
  handled: true,
  ignored_reason: '',
  guards: [],
  intents: [],
  digest: '',
} as const;

type Given = Partial<EventRecord> & Pick<EventRecord, 'kind' | 'id' | 'event' | 'state'>;

/** A whole event of a history. */
export const eventRecord = (given: Given): EventRecord => ({ ...plain, ...given });
