/** A machine as data, read from its own definition. */
import type { AnyStateNode } from 'xstate';
import type { MachineDefinition } from '../actors/machines.js';
import type { GraphTransition, MachineGraph } from '../core/machine_report.js';
import { eventName } from '../core/path.js';
import type { ActorKind } from '../core/records.js';

/** A guard as `setup` takes it: a name, a name with parameters, or a combination of such. */
type Guard = string | { readonly type: string } | CombinedGuard;

/** What xstate's `and`, `or` and `not` make. */
interface CombinedGuard {
  readonly check: { readonly name: string };
  readonly guards: readonly Guard[];
}

/** One transition of a state of its own, or of the root. */
export interface DefinedTransition {
  readonly event: string;
  readonly guard: string;
  /** Undefined: it stays where it is. */
  readonly target: string | undefined;
  /** It does nothing: it only keeps the root, or those behind it, from doing something. */
  readonly is_empty: boolean;
}

/** Its name; those of a combination are joined by ` and ` or ` or `. Empty: there is none. */
export function guardName(guard: unknown): string {
  if (guard === undefined) return '';
  if (typeof guard === 'string') return guard;
  const { type } = guard as { readonly type?: string };
  if (type !== undefined) return type;
  const { check, guards } = guard as CombinedGuard;
  const names = guards.map(guardName);
  if (check.name === 'checkNot') return `not ${names.join('')}`;
  return names.join(check.name === 'checkOr' ? ' or ' : ' and ');
}

/** In the order in which they are tried. */
export function definedTransitions(node: AnyStateNode): DefinedTransition[] {
  return [...node.transitions].flatMap(([type, transitions]) =>
    transitions.map(({ target, guard, actions }) => ({
      event: eventName(type),
      guard: guardName(guard),
      target: target?.[0]?.key,
      is_empty: target === undefined && actions.length === 0,
    })),
  );
}

/** What can happen in a state: by transitions of its own, and by the root's where its own let the event through. */
function transitionsIn(state: AnyStateNode, common: readonly DefinedTransition[]): GraphTransition[] {
  const own = definedTransitions(state);
  const taken = new Set(own.filter(({ guard }) => guard === '').map(({ event }) => event));
  const inState =
    (is_common: boolean) =>
    ({ event, guard, target }: DefinedTransition): GraphTransition => ({
      from: state.key,
      to: target ?? state.key,
      event,
      guard,
      is_common,
    });
  return [
    ...own.filter(({ is_empty }) => !is_empty).map(inState(false)),
    ...common.filter(({ event, is_empty }) => !is_empty && !taken.has(event)).map(inState(true)),
  ];
}

/** The graph of a machine whose states have no states inside. */
export function graphOf(kind: ActorKind, { machine, version }: MachineDefinition): MachineGraph {
  const common = definedTransitions(machine.root);
  const initial = new Set(machine.root.initial.target.map(({ key }) => key));
  const nodes: AnyStateNode[] = Object.values(machine.states);
  return {
    kind,
    version,
    states: nodes.map(({ key, description, tags }) => ({
      name: key,
      description: description ?? '',
      is_settled: tags.includes('settled'),
      is_initial: initial.has(key),
    })),
    transitions: nodes.flatMap((node) => transitionsIn(node, common)),
  };
}
