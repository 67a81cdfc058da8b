/** An export of a real transfer, as a daemon makes it. */
import { machines } from '../../../../src/actors/machines.js';
import type { ExportFile } from '../../../../src/core/export_file.js';
import { IcbdError } from '../../../../src/core/errors.js';
import type { EventCause, PlainEvent } from '../../../../src/core/records.js';
import { makeExport } from '../../../../src/inspection/export_file.js';
import { graphOf } from '../../../../src/inspection/machine_graph.js';
import { Runtime } from '../../../../src/runtime/runtime.js';
import { Storage } from '../../../../src/storage/storage.js';
import { ManualClock } from '../../runtime/support/bench.js';

const address = { kind: 'transfer', id: '17-3fa9' } as const;
const operator: EventCause = { kind: 'operator', who: 'ann' };
const peer: EventCause = { kind: 'peer', node: 'replica1', message: 12 };

const input = {
  id: address.id,
  image: 'vm1',
  number: '3',
  replica: 'replica1',
  codec: null,
  ssh: false,
  failures_max: 5,
  parent: null,
  stream_version: null,
  forked_from: null,
};

const plan = {
  uuid: 'ffffffff-0000-0000-0000-000000000003',
  parent: { number: '2', uuid: 'ffffffff-0000-0000-0000-000000000002' },
  reason: 'it is the newest that both have',
  codec: 'zstd',
  stream_version: 2,
};

const forever = (): Promise<PlainEvent> => new Promise(() => {});

function onFatal(error: IcbdError): never {
  throw error;
}

/** It is planned, offered, refused for want of space, rests, and is cancelled. */
export function transferExport(): ExportFile {
  const storage = Storage.open(':memory:');
  const clock = new ManualClock();
  const handlers = { plan: forever, send: forever };
  const runtime = new Runtime({ storage, machines, clock, handlers, onFatal });
  try {
    runtime.start();
    runtime.create(address, input, operator);
    const error = new IcbdError('NoSpace', 'the disk is full', { operation: 'prepare', subject: 'vm1/3' });
    const events: readonly (readonly [PlainEvent, EventCause])[] = [
      [{ type: 'slot.granted' }, { kind: 'actor', actor: 'replica/replica1', seq: 5 }],
      [
        { type: 'plan.done', result: plan },
        { kind: 'effect', effect: 'transfer/17-3fa9:2:0' },
      ],
      [{ type: 'reception.refused', attempt: 9, error: error.toReport() }, peer],
      [{ type: 'reception.refused', attempt: 1, error: error.toReport() }, peer],
      [{ type: 'cancel' }, operator],
    ];
    for (const [event, cause] of events) {
      clock.now_ms += 1_500;
      runtime.deliver(address, event, cause);
    }
    const actor = storage.actors.load(address);
    if (actor === undefined) throw new Error('no transfer was made');
    return makeExport({
      node: 'master',
      program_version: '1.2.3',
      exported_at_ms: 2_000_000,
      actor,
      events: storage.history.events(address),
      effects: storage.history.effects(address),
      timers: storage.timers.ofActor(address),
      graph: graphOf('transfer', machines.transfer),
    });
  } finally {
    storage.close();
  }
}

/** The same with one event written otherwise. */
export function tamperedExport(seq: number): ExportFile {
  const file = transferExport();
  const events = file.events.map((record) =>
    record.seq === seq
      ? { ...record, event: { ...record.event, type: 'replica.offline', reason: 'x' } }
      : record,
  );
  return { ...file, events };
}
