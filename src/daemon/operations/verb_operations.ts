import { machines } from '../../actors/machines.js';
import { IcbdError } from '../../core/errors.js';
import type { ControlLink } from '../../core/link.js';
import type { ActorAddress, ActorKind, ActorRecord } from '../../core/records.js';
import type { UnparkReport } from '../../core/verbs.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Storage } from '../../storage/storage.js';
import { system_clock } from '../system_clock.js';
import type { TransferDesk } from '../transfer_desk.js';
import { redriveAll } from '../transfer_redrive.js';
import type { TransferReports } from '../transfer_reports.js';
import { unpark } from '../unparking.js';
import type { Fleet } from './fleet.js';
import { operator } from './image_operations.js';
import type { VerbOperations } from './operations.js';

interface UnparkParts {
  readonly runtime: Runtime;
  readonly storage: Storage;
  readonly reports: TransferReports;
}

function isKind(kind: string): kind is ActorKind {
  return Object.hasOwn(machines, kind);
}

/** @throws IcbdError `InvalidArgument`, `TransferNotFound`, `ImageNotFound`, `ReplicaNotFound` */
function requireActor({ storage, reports }: UnparkParts, { kind, id }: ActorAddress): ActorRecord {
  const exact = storage.actors.load({ kind, id });
  if (exact !== undefined) return exact;
  if (kind === 'transfer' || kind === 'reception') return reports.require(id);
  const code = kind === 'image' ? 'ImageNotFound' : 'ReplicaNotFound';
  throw new IcbdError(code, `there is no ${kind} ${id}`, {
    operation: 'find actor',
    subject: id,
    hint: `icbdrep ${kind}s`,
  });
}

/** Lets an actor of this node go on. */
function unparkHere(
  parts: UnparkParts,
  kind: string,
  id: string,
  linkOf?: (node: string) => ControlLink | undefined,
): UnparkReport {
  if (!isKind(kind)) {
    throw new IcbdError('InvalidArgument', `there are no actors of the kind ${kind}`, {
      operation: 'unpark',
      subject: kind,
      hint: `one of ${Object.keys(machines).join(', ')}`,
    });
  }
  const { runtime, storage } = parts;
  const require = (address: ActorAddress): ActorRecord => requireActor(parts, address);
  const options = { runtime, storage, require, ...(linkOf === undefined ? {} : { linkOf }) };
  return unpark(options, { kind, id }, operator);
}

export interface MasterVerbsOptions extends UnparkParts {
  readonly desk: TransferDesk;
  readonly fleet: Fleet;
}

/** What an operator does with the transfers of a master, and with its actors. */
export function masterVerbs({ desk, fleet, ...parts }: MasterVerbsOptions): VerbOperations {
  const { storage } = parts;
  return {
    act: async (id, verb) => desk.act(id, verb, operator),
    redrive: async (id, { from_start }) =>
      desk.redrive(id, from_start === true ? { from_start } : {}, operator),
    redriveAll: async ({ replica, ...rest }) => {
      const request = replica === undefined ? rest : { ...rest, replica: fleet.resolve(replica).name };
      return redriveAll({ storage, desk, clock: system_clock }, request, operator);
    },
    fork: async (id, request) => desk.fork(id, request, operator),
    unpark: async (kind, id) => {
      const name = kind === 'replica' ? fleet.resolve(id).name : id;
      return unparkHere(parts, kind, name, (node) => fleet.links().get(node));
    },
  };
}

/** A replica has no transfers, but actors that may be parked. */
export function replicaVerbs(
  parts: UnparkParts,
  refuse: (what: string) => () => Promise<never>,
): VerbOperations {
  return {
    act: refuse('what is done with a transfer'),
    redrive: refuse('redriving'),
    redriveAll: refuse('redriving'),
    fork: refuse('forking'),
    unpark: async (kind, id) => unparkHere(parts, kind, id),
  };
}
