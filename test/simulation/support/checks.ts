import { machines } from '../../../src/actors/machines.js';
import type { TransferContext } from '../../../src/actors/transfer_events.js';
import type { ActorKind, ActorRecord } from '../../../src/core/records.js';
import { fold } from '../../../src/runtime/fold.js';
import type { Simulation } from './scenario.js';
import type { SimNode } from './sim_node.js';

const kinds: readonly ActorKind[] = ['image', 'replica', 'transfer', 'reception'];

const actorsOf = (node: SimNode): ActorRecord[] =>
  kinds.flatMap((kind) => node.storage.actors.list({ kind, limit: 10_000 }));

/** A transfer has an end, and the right one. */
function* checkEnds({ master, transfers, doomed, cancelled, disks }: Simulation): Iterable<string> {
  for (const { id, image, number, replica } of transfers) {
    const record = master.storage.actors.load({ kind: 'transfer', id });
    if (record === undefined) {
      yield `${id} was never made`;
      continue;
    }
    const there = disks.get(replica)?.find(image, number);
    if (record.state === 'completed') {
      if (there?.uuid !== `${image}-${number}`) yield `${id} completed, and ${image}/${number} is not there`;
    } else if (record.state === 'cancelled') {
      if (!cancelled.has(id)) yield `${id} was cancelled, and nobody asked for it`;
    } else if (record.state === 'failed') {
      const { last_error, failures, failures_max } = record.snapshot.context as TransferContext;
      if (!doomed.has(id) && failures < failures_max) {
        yield `${id} failed after ${failures} failures, and nothing permanent was wrong: ${JSON.stringify(last_error)}`;
      }
    } else {
      yield `${id} never ended: it is ${record.state}`;
    }
  }
}

function* checkDisks({ master, disks, first, master_disk }: Simulation): Iterable<string> {
  const real = new Set(master_disk.all());
  for (const [name, disk] of disks) {
    for (const violation of disk.violations) yield `${name}: ${violation}`;
    for (const [transfer, { is_complete }] of disk.partials) {
      // A transfer that failed may be run again from what it has.
      const record = master.storage.actors.load({ kind: 'transfer', id: transfer });
      if (is_complete || record?.state !== 'failed') yield `${name}: ${transfer} left a partial behind`;
    }
    for (const transfer of disk.busy) yield `${name}: something still works on ${transfer}`;
    for (const [transfer, times] of disk.published) {
      if (times > 1) yield `${name}: ${transfer} published ${times} times`;
    }
    const now = new Set(disk.all());
    for (const snapshot of first.get(name) ?? []) {
      if (!now.has(snapshot)) yield `${name}: lost or changed ${snapshot}`;
    }
    for (const snapshot of now) if (!real.has(snapshot)) yield `${name}: ${snapshot} is not the master's`;
  }
}

function* checkNode(node: SimNode, peers: readonly string[]): Iterable<string> {
  const { history, messages, timers } = node.storage;
  for (const record of actorsOf(node)) {
    const name = `${record.kind}/${record.id} on ${node.name}`;
    const folded = fold(machines[record.kind], history.events(record));
    if (JSON.stringify(folded) !== JSON.stringify(record.snapshot))
      yield `${name}: fold differs from its row`;
    for (const effect of history.effects(record)) {
      if (effect.status === 'running') yield `${name}: ${effect.kind} still runs`;
    }
    for (const timer of timers.ofActor(record)) yield `${name}: timer ${timer.id} is left`;
    if (record.kind === 'reception' && !record.settled) yield `${name} is ${record.state}`;
  }
  for (const peer of peers) {
    const waiting = messages.waiting(peer).length;
    if (waiting > 0) yield `${node.name}: ${waiting} messages for ${peer} were never acknowledged`;
  }
}

/** All that must hold when everything has come to rest; empty if it does. */
export function check(simulation: Simulation): string[] {
  const { master, replicas, violations } = simulation;
  return [
    ...violations,
    ...checkEnds(simulation),
    ...checkDisks(simulation),
    ...checkNode(
      master,
      replicas.map((replica) => replica.name),
    ),
    ...replicas.flatMap((replica) => [...checkNode(replica, [master.name])]),
  ];
}
