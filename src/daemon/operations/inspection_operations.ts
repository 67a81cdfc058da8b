/** What can be seen of an actor afterwards: its machine, and what it did. */
import { machines } from '../../actors/machines.js';
import { IcbdError } from '../../core/errors.js';
import { pathOf } from '../../core/path.js';
import type { ActorAddress, ActorKind, ActorRecord } from '../../core/records.js';
import { graphOf } from '../../inspection/machine_graph.js';
import type { Storage } from '../../storage/storage.js';
import type { InspectedKind, InspectionOperations } from './operations.js';

export interface InspectionOptions {
  readonly storage: Storage;
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

export function inspectionOperations({ storage, find }: InspectionOptions): InspectionOperations {
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
  };
}
