/** What a diagram says to those who do not see it, or point at a part of it. */
import type { Chart, ChartEdge, ChartEntry, ChartLabel, ChartState } from './chart.js';

/** More states are counted, not named. */
const names_max = 3;

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

/** The event with its conditions: `send.failed if isMismatch`. */
export function describeLabel({ event, guards, count }: ChartLabel): string {
  const conditions = guards.filter((guard) => guard !== '');
  const when = conditions.length === 0 ? '' : ` if ${conditions.join(', or if ')}`;
  // One that is without a condition is taken when none of those before it holds.
  const otherwise = conditions.length > 0 && guards.includes('') ? ', or otherwise' : '';
  return `${event}${when}${otherwise}${count === 0 ? '' : `: taken ${times(count)}`}`;
}

export function describeEdge({ from, to, labels }: ChartEdge): string {
  return [`${from} to ${to}`, ...labels.map(describeLabel)].join('\n');
}

export function describeEntry({ to, events }: ChartEntry): string {
  return [`to ${to}`, ...events.map(({ event, from }) => `${event} from ${from.join(', ')}`)].join('\n');
}

/** Line by line, for what has no room for many names. */
export function shortEntry({ events }: ChartEntry): string[] {
  return events.map(({ event, from }) =>
    from.length > names_max ? `${event} from ${from.length} states` : `${event} from ${from.join(', ')}`,
  );
}

export function describeState(state: ChartState, parked_reason: string): string {
  const { name, description, is_current, visits, stayed, is_settled } = state;
  return [
    `${name}: ${description}`,
    ...(is_settled ? ['settled: nothing happens in it by itself'] : []),
    ...(visits > 0 ? [`entered ${times(visits)}`] : []),
    ...(stayed > 0 ? [`events taken here without leaving: ${stayed}`] : []),
    ...(is_current ? [parked_reason === '' ? 'it is here now' : `it is parked here: ${parked_reason}`] : []),
  ].join('\n');
}

/** All of it in some sentences. */
export function describeWay({ states, edges }: Chart): string {
  const here = states.find(({ is_current }) => is_current);
  const ways = edges
    .filter(({ count }) => count > 0)
    .map(({ from, to, count }) => `${from} to ${to} ${times(count)}`);
  return [
    `${states.length} states: ${states.map(({ name }) => name).join(', ')}.`,
    ...(ways.length === 0 ? [] : [`Taken: ${ways.join('; ')}.`]),
    ...(here === undefined ? [] : [`Now: ${here.name}, ${here.description}.`]),
  ].join(' ');
}
