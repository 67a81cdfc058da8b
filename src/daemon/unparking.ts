/** Lets parked actors go on, and mends what others missed while they were parked. */
import { machines } from '../actors/machines.js';
import type { ReplicaContext } from '../actors/replica.js';
import { IcbdError } from '../core/errors.js';
import type { ControlLink } from '../core/link.js';
import type { ActorAddress, ActorRecord, EventCause } from '../core/records.js';
import type { UnparkReport } from '../core/verbs.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Storage } from '../storage/storage.js';

export interface UnparkingOptions {
  readonly runtime: Runtime;
  readonly storage: Storage;
  /** The actor of this address; of a transfer or a reception also by the beginning of its id. @throws IcbdError */
  readonly require: (address: ActorAddress) => ActorRecord;
  /** The control link of a node, if it is up; undefined on a replica. */
  readonly linkOf?: (node: string) => ControlLink | undefined;
}

/**
 * One that is not parked stays as it is.
 * @throws IcbdError what `require` throws; `ActorParked` if it was parked again
 */
export function unpark(options: UnparkingOptions, address: ActorAddress, cause: EventCause): UnparkReport {
  const { runtime, storage } = options;
  const record = options.require(address);
  if (record.status === 'parked') {
    const reason = 'it was parked, and an operator let it go on';
    runtime.unpark(record, cause, record.kind === 'replica' ? { reason } : {});
  }
  const after = options.require(record);
  const { kind, id, state, status, parked_reason } = after;
  if (status === 'parked') {
    throw new IcbdError('ActorParked', `${kind} ${id} was parked again: ${parked_reason}`, {
      operation: 'unpark',
      subject: id,
      hint: 'its state and this program do not fit together: export its history before anything else is done',
    });
  }
  if (kind === 'replica' && record.status === 'parked') {
    syncSlots(runtime, storage, [after]);
    // Nobody told the actor of its link: the replica dials again at once.
    options.linkOf?.(id)?.close(restartedLink(id));
  }
  const states = machines[kind].machine.states as Record<string, { readonly description?: string }>;
  return { kind, id, state, state_description: states[state]?.description ?? state };
}

const restartedLink = (node: string) =>
  new IcbdError('Interrupted', `the actor of ${node} begins anew`, {
    operation: 'unpark',
    subject: node,
  }).toReport();

/** States of a transfer in which it wants no slot. */
const slotless_states = new Set(['paused', 'scheduled', 'cancelling']);

/**
 * Brings the queues of replicas into line with the transfers to them: what a transfer said to a replica that was parked
 * is lost, and nobody says it again. Does nothing where all is well.
 */
export function syncSlots(runtime: Runtime, storage: Storage, replicas: readonly ActorRecord[]): void {
  const cause: EventCause = { kind: 'daemon', what: 'the queue of a replica is brought into line' };
  const unsettled = storage.actors.list({
    kind: 'transfer',
    settled: false,
    status: 'running',
    direction: 'up',
    limit: 1_000_000,
  });
  for (const replica of replicas.filter(({ status }) => status === 'running')) {
    const { queue } = replica.snapshot.context as ReplicaContext;
    const transfers = new Map(
      unsettled.filter(({ labels }) => labels.replica === replica.id).map((record) => [record.id, record]),
    );
    for (const { transfer, image, state: slot } of queue) {
      const state = transfers.get(transfer)?.state;
      const is_over = state === undefined || slotless_states.has(state);
      const is_at_rest = state === 'resting' && slot !== 'resting';
      if (!is_over && !is_at_rest) continue;
      runtime.deliver(replica, { type: is_over ? 'slot.release' : 'slot.rest', transfer, image }, cause);
    }
    const waiting = new Set(queue.filter(({ state }) => state === 'waiting').map(({ transfer }) => transfer));
    for (const { kind, id, state } of transfers.values()) {
      if (state === 'queued' && !waiting.has(id)) runtime.deliver({ kind, id }, { type: 'slot.ask' }, cause);
    }
  }
}
