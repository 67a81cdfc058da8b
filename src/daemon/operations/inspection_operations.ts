/** What can be seen of an actor afterwards: its machine, and what it did. */
import { setImmediate } from 'node:timers/promises';
import { machines } from '../../actors/machines.js';
import { IcbdError } from '../../core/errors.js';
import type { ExportFile } from '../../core/export_file.js';
import type { StepsReport } from '../../core/machine_report.js';
import { pathOf } from '../../core/path.js';
import type { ActorAddress, ActorKind, ActorRecord, EventRecord } from '../../core/records.js';
import { makeExport } from '../../inspection/export_file.js';
import { graphOf } from '../../inspection/machine_graph.js';
import { StepsInspection } from '../../inspection/steps.js';
import type { Storage } from '../../storage/storage.js';
import { node_version } from '../node_status.js';
import { system_clock } from '../system_clock.js';
import type { InspectedKind, InspectionOperations } from './operations.js';

export interface InspectionOptions {
  readonly storage: Storage;
  /** Name of this node. */
  readonly node: string;
  /** The actor that an operator means. @throws IcbdError if there is none */
  readonly find: Readonly<Record<InspectedKind, (id: string) => ActorAddress>>;
}

function isActorKind(kind: string): kind is ActorKind {
  return Object.hasOwn(machines, kind);
}

/** @throws IcbdError `InvalidArgument` */
function kindOf(kind: string): ActorKind {
  if (isActorKind(kind)) return kind;
  throw new IcbdError('InvalidArgument', `there is no machine ${kind}`, {
    operation: 'find machine',
    subject: kind,
    hint: `machines are: ${Object.keys(machines).join(', ')}`,
  });
}

function load(storage: Storage, address: ActorAddress): ActorRecord {
  const record = storage.actors.load(address);
  if (record !== undefined) return record;
  throw new IcbdError('Internal', `${address.kind} ${address.id} has no row`, {
    operation: 'load actor',
    subject: address.id,
  });
}

/** Events that are read and done again in one turn of the event loop. */
const page_events = 100;
const steps_limit = 1_000;

/**
 * Gives `take` all events of an actor, a page at a time.
 * @param finish called in the turn of the last page, so that the actor's row is the one that they made
 */
async function readEvents<T>(
  storage: Storage,
  address: ActorAddress,
  take: (event: EventRecord) => void,
  finish: (actor: ActorRecord) => T,
): Promise<T> {
  for (let after_seq = -1; ; await setImmediate()) {
    const page = storage.history.events(address, { after_seq, limit: page_events });
    for (const event of page) take(event);
    if (page.length < page_events) return finish(load(storage, address));
    after_seq = page.at(-1)?.seq ?? after_seq;
  }
}

function stepsOf(storage: Storage, address: ActorAddress, limit = steps_limit): Promise<StepsReport> {
  const inspection = new StepsInspection(machines[address.kind], limit);
  return readEvents(
    storage,
    address,
    (event) => inspection.take(event),
    (actor) => inspection.finish(actor),
  );
}

function exportOf({ storage, node }: InspectionOptions, address: ActorAddress): Promise<ExportFile> {
  const events: EventRecord[] = [];
  return readEvents(
    storage,
    address,
    (event) => events.push(event),
    (actor) =>
      makeExport({
        node,
        program_version: node_version,
        exported_at_ms: system_clock.now(),
        actor,
        events,
        effects: storage.history.effects(address),
        timers: storage.timers.ofActor(address),
        graph: graphOf(address.kind, machines[address.kind]),
      }),
  );
}

export function inspectionOperations(options: InspectionOptions): InspectionOperations {
  const { storage, find } = options;
  return {
    graph: async (text) => {
      const kind = kindOf(text);
      return graphOf(kind, machines[kind]);
    },
    diagram: async (address) => {
      const { kind, id, state, parked_reason } = load(storage, find[address.kind](address.id));
      const taken = storage.paths.steps({ kind, id });
      return { kind, id, graph: graphOf(kind, machines[kind]), state, parked_reason, ...pathOf(taken) };
    },
    steps: async (address, { limit }) => stepsOf(storage, find[address.kind](address.id), limit),
    export: async (address) => exportOf(options, find[address.kind](address.id)),
  };
}
