import * as fc from 'fast-check';
import { machines } from '../../../src/actors/machines.js';
import { error_codes, type ErrorCode } from '../../../src/core/errors.js';
import type { ActorKind, PlainEvent } from '../../../src/core/records.js';
import { report } from './drive.js';

export const inputs: Readonly<Record<ActorKind, object>> = {
  image: { name: 'debian', source: '', codec: null },
  replica: { node_id: 1, name: 'north', slots_max: 2 },
  transfer: {
    id: 't1',
    image: 'debian',
    number: '3',
    replica: 'north',
    codec: null,
    ssh: false,
    failures_max: 3,
    parent: 'auto',
    stream_version: null,
    forked_from: null,
  },
  reception: { id: 't1', image: 'debian', number: '3' },
};

/** The types of all events that a machine has a transition for, its own timers included. */
export function eventTypes(kind: ActorKind): string[] {
  return (machines[kind].machine.events as string[]).toSorted();
}

const codes = Object.keys(error_codes) as ErrorCode[];
const small = fc.integer({ min: 0, max: 5 });
const name = fc.constantFrom('t1', 't2', 't3', 't4', 't5');
const image = fc.constantFrom('debian', 'windows');

/** Every field that an event may have, each with values that fit it. */
const fields = {
  attempt: small,
  error: fc
    .tuple(fc.constantFrom(...codes), fc.boolean())
    .map(([code, retryable]) => report(code, retryable)),
  reason: fc.constant('cable'),
  from: fc.constantFrom('hub', 'other'),
  uuid: fc.constant('u3'),
  parent: fc.constantFrom(null, { number: '2', uuid: 'u2' }),
  codec: fc.constantFrom('none', 'lz4'),
  number: fc.constantFrom('1', '2'),
  source: fc.constant('/data'),
  session: fc.constantFrom('s1', 's2'),
  address: fc.constant('127.0.0.1'),
  capabilities: fc.constant({ codecs: [], stream_version_max: 1, btrfs_progs: '6.2', kernel: '6.1' }),
  node_id: small,
  slots_max: small,
  tries: small,
  round_trip_ms: fc.constantFrom(null, 3),
  transfer: name,
  image,
  transfers: fc.constant([inputs.transfer]),
  resume_bytes: small,
  offset_bytes: small,
  is_live: fc.boolean(),
  from_zero: fc.boolean(),
  from_start: fc.boolean(),
  after_ms: fc.constantFrom(0, 60_000),
  ssh: fc.boolean(),
  keeps_checkpoint: fc.boolean(),
  stream_version: fc.constantFrom(1, 2),
  checkpoint: fc.constant({ offset_bytes: 1, name: '.icbdrep-part-t1.1.0.0' }),
  outcome: fc.constant({ already_there: false, stream_bytes: 1, hash: 'abc' }),
  result: fc.constant({
    stream_bytes: 1,
    hash: 'abc',
    snapshot_count: 1,
    newest: '1',
    fingerprint: 'f1',
    uuid: 'u3',
    parent: null,
    reason: '',
    codec: 'none',
    stream_version: 1,
    hidden_name: '.icbdrep-part-t1.1.0.1',
  }),
  epoch: small,
  at_ms: fc.integer({ min: 1, max: 2_000_000_000_000 }),
};

/** Any event of a machine. */
export function anyEvent(kind: ActorKind): fc.Arbitrary<PlainEvent> {
  return fc
    .tuple(fc.constantFrom(...eventTypes(kind)), fc.record(fields))
    .map(([type, values]) => ({ ...values, type }));
}

/** One event of each type that a machine hears, about the running attempt and the next, with each kind of error. */
export function sampleEvents(kind: ActorKind, attempt: unknown): PlainEvent[] {
  const [values] = fc.sample(fc.record(fields), { numRuns: 1, seed: 1 });
  const variants = [
    { attempt, error: report('NoSpace', true) },
    { attempt, error: report('ResumeMismatch', true) },
    { attempt: Number(attempt ?? 0) + 1, error: report('NoSpace', false) },
  ];
  return eventTypes(kind).flatMap((type) => variants.map((variant) => ({ ...values, ...variant, type })));
}
