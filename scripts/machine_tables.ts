/** The tables of the machines in ARCHITECTURE.md, made from the machines themselves. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { machines } from '../src/actors/machines.js';
import { definedTransitions } from '../src/inspection/machine_graph.js';

export const begin_marker = '<!-- machines:begin -->';
export const end_marker = '<!-- machines:end -->';

/** What a timer is called is no type of an event. */
function shownEvent(event: string): string {
  return event.startsWith('after ') ? event.replace(/ (.*)/, ' `$1`') : `\`${event}\``;
}

/** One line for each transition of a state, in the order they are tried, and one for all that do nothing. */
function transitionLines(node: AnyStateNode): string[] {
  const all = definedTransitions(node);
  const empty = new Set(all.filter(({ is_empty }) => is_empty).map(({ event }) => shownEvent(event)));
  const lines = all
    .filter(({ is_empty }) => !is_empty)
    .map(({ event, guard, target }) => {
      const condition = guard === '' ? '' : ` if ${guard}`;
      return `${shownEvent(event)}${condition} → ${target ?? 'stays'}`;
    });
  return empty.size === 0 ? lines : [...lines, `else ignored: ${[...empty].join(', ')}`];
}

/** Machines here begin in a state without states inside. */
function initialState(machine: AnyStateMachine): string {
  return machine.root.initial.target.map((node) => node.key).join(', ');
}

function machineTable(name: string, machine: AnyStateMachine, version: number): string {
  const everywhere = transitionLines(machine.root);
  const rows = Object.values(machine.states).map((node) => {
    const settled = node.tags.includes('settled') ? ' (settled)' : '';
    return `| **${node.key}**${settled} | ${node.description ?? ''} | ${transitionLines(node).join('<br>')} |`;
  });
  return [
    `### ${name}`,
    '',
    `Version ${version}; begins in \`${initialState(machine)}\`.`,
    ...(everywhere.length === 0
      ? []
      : ['', `In every state that does not say otherwise: ${everywhere.join('; ')}.`]),
    '',
    '| state | meaning | event → next state |',
    '|---|---|---|',
    ...rows,
  ].join('\n');
}

/** All machines as Markdown. */
export function machineTables(): string {
  return Object.entries(machines)
    .map(([name, { machine, version }]) => machineTable(name, machine, version))
    .join('\n\n');
}

/**
 * `document` with the tables of now between its markers.
 * @throws when it does not have them
 */
export function withMachineTables(document: string): string {
  const begin = document.indexOf(begin_marker);
  const end = document.indexOf(end_marker);
  if (begin === -1 || end < begin) throw new Error(`the document has no ${begin_marker} ... ${end_marker}`);
  return `${document.slice(0, begin + begin_marker.length)}\n${machineTables()}\n${document.slice(end)}`;
}
