/** What is to be drawn of a machine, whatever it is drawn with: states, edges between them, and what leads anywhere. */
import type { DiagramReport, GraphState, GraphTransition, MachineGraph } from '../core/machine_report.js';
import { withArticle } from './strings.js';

/** The bare machine, or one with an actor in it. */
export interface Diagram {
  readonly graph: MachineGraph;
  /** Empty: there is no actor. */
  readonly state: string;
  readonly parked_reason: string;
  readonly visits: DiagramReport['visits'];
  readonly path: DiagramReport['path'];
}

export interface ChartState extends GraphState {
  readonly is_current: boolean;
  /** How often the actor came into it. */
  readonly visits: number;
  /** Events that it took there without leaving. */
  readonly stayed: number;
}

export interface ChartLabel {
  readonly event: string;
  /** Under which conditions, one for each transition that the label stands for; an empty one: always. */
  readonly guards: readonly string[];
  /** How often it was taken. */
  readonly count: number;
}

/** All that leads from one state to another one. */
export interface ChartEdge {
  readonly from: string;
  readonly to: string;
  /** Those that were taken come first. */
  readonly labels: readonly ChartLabel[];
  readonly count: number;
  /** It leads to a state that the definition has before the one that it comes from. */
  readonly is_back: boolean;
}

/** Events that lead to a state from so many others that an edge for each would hide all the rest. */
export interface ChartEntry {
  readonly to: string;
  readonly events: readonly { readonly event: string; readonly from: readonly string[] }[];
  /** From where, in short. */
  readonly from_words: string;
}

export interface Chart {
  readonly title: string;
  readonly states: readonly ChartState[];
  readonly edges: readonly ChartEdge[];
  readonly entries: readonly ChartEntry[];
  readonly parked_reason: string;
}

/** What leads to a state from fewer others is drawn as an edge for each of them: in a big machine, and in a small one. */
const sources_min = { big: 3, small: 4 } as const;
/** States that a small machine has at most. */
const small_states_max = 8;

/** The machine alone. */
export function bareDiagram(graph: MachineGraph): Diagram {
  return { graph, state: '', parked_reason: '', visits: {}, path: [] };
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

const unique = (values: readonly string[]): string[] => [...new Set(values)];

const pairOf = ({ from, to }: { readonly from: string; readonly to: string }): string => `${from} ${to}`;

/** `any state`, `9 states`, or their names if they are few. */
function fromWords(from: readonly string[], states: readonly GraphState[]): string {
  if (from.length >= states.length - 1) return 'any state';
  const going = states.filter(({ is_settled }) => !is_settled);
  const is_all_going = from.length === going.length && going.every(({ name }) => from.includes(name));
  if (is_all_going) return 'any unsettled state';
  return from.length === 1 ? (from[0] ?? '') : `${from.length} states`;
}

function edgesOf(
  { graph, path }: Diagram,
  single: readonly GraphTransition[],
  moving: readonly GraphTransition[],
): ChartEdge[] {
  const names = graph.states.map(({ name }) => name);
  const taken = path.filter(({ from, to }) => from !== to && names.includes(from) && names.includes(to));
  const pairs = groupBy([...single, ...taken], pairOf);
  return [...pairs.values()].map((group) => {
    const { from, to } = group[0] as { from: string; to: string };
    const events = unique(group.map(({ event }) => event));
    const labels = events.map((event): ChartLabel => {
      const isIt = (other: { from: string; to: string; event: string }): boolean =>
        other.from === from && other.to === to && other.event === event;
      return {
        event,
        guards: unique(moving.filter(isIt).map(({ guard }) => guard)),
        count: taken.filter(isIt).reduce((sum, { count }) => sum + count, 0),
      };
    });
    return {
      from,
      to,
      labels: labels.toSorted((one, other) => other.count - one.count),
      count: labels.reduce((sum, { count }) => sum + count, 0),
      is_back: names.indexOf(to) < names.indexOf(from),
    };
  });
}

/**
 * Those that are not drawn one by one. An event that leads to the same state from many is one thing to a reader, and so
 * are all the events that may end in one state or in another, as failures do.
 */
function gatheredOf(moving: readonly GraphTransition[], from_min: number): Set<GraphTransition> {
  const isMany = (group: readonly GraphTransition[]): boolean =>
    unique(group.map(({ from }) => from)).length >= from_min;
  const branches = [...groupBy(moving, ({ from, event }) => `${from} ${event}`).values()]
    .filter((group) => unique(group.map(({ to }) => to)).length > 1)
    .flat();
  const ways = groupBy(moving, ({ event, to }) => `${event} ${to}`);
  const branched = groupBy(branches, ({ to }) => to);
  return new Set([...ways.values(), ...branched.values()].filter(isMany).flat());
}

function entriesOf(gathered: Iterable<GraphTransition>, states: readonly GraphState[]): ChartEntry[] {
  return [...groupBy([...gathered], ({ to }) => to)].map(([to, transitions]) => ({
    to,
    events: [...groupBy(transitions, ({ event }) => event)].map(([event, group]) => ({
      event,
      from: unique(group.map(({ from }) => from)),
    })),
    from_words: fromWords(unique(transitions.map(({ from }) => from)), states),
  }));
}

/** What a diagram shows, with many transitions of a kind gathered in one. */
export function chartOf(diagram: Diagram): Chart {
  const { graph, state: current, visits, path, parked_reason } = diagram;
  const moving = graph.transitions.filter(({ from, to }) => from !== to);
  const is_small = graph.states.length <= small_states_max;
  const gathered = gatheredOf(moving, is_small ? sources_min.small : sources_min.big);
  const single = moving.filter((transition) => !gathered.has(transition));
  const stayedIn = (name: string): number =>
    path.filter(({ from, to }) => from === name && to === name).reduce((sum, { count }) => sum + count, 0);
  return {
    title: current === '' ? `The machine of ${withArticle(graph.kind)}` : `The ${graph.kind} is ${current}`,
    states: graph.states.map((state) => ({
      ...state,
      is_current: state.name === current,
      visits: visits[state.name] ?? 0,
      stayed: stayedIn(state.name),
    })),
    edges: edgesOf(diagram, single, moving),
    entries: entriesOf(gathered, graph.states),
    parked_reason,
  };
}
