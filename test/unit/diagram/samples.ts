import { machines } from '../../../src/actors/machines.js';
import type { DiagramReport, MachineGraph } from '../../../src/core/machine_report.js';
import { pathOf } from '../../../src/core/path.js';
import type { ActorKind } from '../../../src/core/records.js';
import { graphOf } from '../../../src/inspection/machine_graph.js';

export const kinds = Object.keys(machines) as ActorKind[];

export const graphs = Object.fromEntries(
  kinds.map((kind) => [kind, graphOf(kind, machines[kind])]),
) as Readonly<Record<ActorKind, MachineGraph>>;

/** An actor that came by these events into these states. */
export function diagramOf(
  graph: MachineGraph,
  way: readonly (readonly [event: string, state: string])[],
): DiagramReport {
  const steps = way.map(([event, state], index) => ({
    event,
    state,
    count: 1,
    seq: index + 1,
    state_before: index === 0 ? '' : (way[index - 1]?.[1] ?? ''),
  }));
  const state = way.at(-1)?.[1] ?? '';
  return { kind: graph.kind, id: 't1', graph, state, parked_reason: '', ...pathOf(steps) };
}

/** One that lost its link twice, failed once, and was cancelled. */
export const cancelled = diagramOf(graphs.transfer, [
  ['created', 'queued'],
  ['slot.granted', 'planning'],
  ['plan.done', 'offering'],
  ['reception.ready', 'sending'],
  ['send.link_lost', 'disconnected'],
  ['replica.online', 'sending'],
  ['send.link_lost', 'disconnected'],
  ['xstate.after.reconnect.transfer.disconnected', 'sending'],
  ['send.begun', 'sending'],
  ['send.failed', 'resting'],
  ['xstate.after.backoff.transfer.resting', 'queued'],
  ['slot.granted', 'planning'],
  ['plan.done', 'offering'],
  ['reception.ready', 'sending'],
  ['cancel', 'cancelling'],
]);

const hostile = `a"<b>&'\\]]> ; # \u0007 {x} %% \u{1F600}`;

/** A machine whose names are what no name should be, for what is drawn of it. */
export const hostile_graph: MachineGraph = {
  kind: 'image',
  version: 1,
  states: [
    { name: hostile, description: `one\n${hostile}`, is_settled: false, is_initial: true },
    { name: 'end', description: hostile, is_settled: true, is_initial: false },
  ],
  transitions: [
    { from: hostile, to: 'end', event: `${hostile} go`, guard: hostile, is_common: false },
    { from: 'end', to: hostile, event: 'back', guard: '', is_common: true },
  ],
};

export const hostile_diagram: DiagramReport = {
  ...diagramOf(hostile_graph, [
    ['created', hostile],
    [`${hostile} go`, 'end'],
  ]),
  parked_reason: hostile,
};
