import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { and, createMachine, not, or } from 'xstate';
import { type MachineDefinition, machines } from '../../../src/actors/machines.js';
import { eventName } from '../../../src/core/path.js';
import type { ActorKind } from '../../../src/core/records.js';
import { graphOf } from '../../../src/inspection/machine_graph.js';
import { Driven } from '../actors/drive.js';
import { anyEvent, eventTypes, inputs } from '../actors/machine_events.js';

const kinds = Object.keys(machines) as ActorKind[];

describe.each(kinds)('the graph of the machine of a %s', (kind) => {
  const { machine, version } = machines[kind];
  const graph = graphOf(kind, machines[kind]);

  test('has all of its states, in their order', () => {
    const states = Object.entries(machine.states);
    expect(graph.states).toEqual(
      states.map(([name, { description, tags }]) => ({
        name,
        description,
        is_settled: tags.includes('settled'),
        is_initial: name === new Driven(kind, inputs[kind]).state,
      })),
    );
    expect(graph).toMatchObject({ kind, version });
  });

  test('has all events that do something, between states that there are, each once', () => {
    const does = eventTypes(kind).filter((type) =>
      [machine.root, ...Object.values(machine.states)].some((node) =>
        node.transitions.get(type)?.some(({ target, actions }) => target !== undefined || actions.length > 0),
      ),
    );
    const events = new Set(graph.transitions.map(({ event }) => event));
    expect([...events].toSorted()).toEqual(does.map(eventName).toSorted());
    const names = graph.states.map(({ name }) => name);
    for (const { from, to } of graph.transitions) {
      expect(names).toContain(from);
      expect(names).toContain(to);
    }
    const texts = graph.transitions.map((transition) => JSON.stringify(transition));
    expect(new Set(texts).size).toBe(texts.length);
  });

  test('has every transition that it takes, whatever happens', () => {
    const known = new Set(graph.transitions.map(({ from, event, to }) => `${from} ${event} ${to}`));
    fc.assert(
      fc.property(fc.array(anyEvent(kind), { maxLength: 30 }), (events) => {
        const actor = new Driven(kind, inputs[kind]);
        for (const event of events) {
          const from = actor.state;
          const { handled, state } = actor.send(event).step;
          const way = `${from} ${eventName(event.type)} ${state}`;
          expect(handled ? known.has(way) : state === from, way).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('what the root does happens in each state that lets the event through', () => {
  const machine = createMachine({
    initial: 'asleep',
    on: { wake: { guard: 'isLoud', target: '.awake' }, look: { actions: 'note' }, rest: '.asleep' },
    states: {
      asleep: {
        description: 'hears little',
        after: { night: 'awake' },
        on: { wake: { description: 'it never wakes' }, rest: [{ guard: 'isDeep' }], look: {} },
      },
      awake: {
        tags: 'settled',
        on: {
          move: [
            { guard: and(['isSafe', not('isTired')]), target: 'asleep' },
            { guard: or(['isSafe', { type: 'isFar' }]), actions: 'note' },
          ],
        },
      },
    },
  });
  const definition: MachineDefinition = { ...machines.image, machine, version: 7 };
  const { states, transitions, version } = graphOf('image', definition);
  expect(version).toBe(7);
  expect(states.map(({ is_initial, is_settled }) => [is_initial, is_settled])).toEqual([
    [true, false],
    [false, true],
  ]);
  const lines = transitions.map(({ from, event, to, guard, is_common }) =>
    [from, event, to, guard, is_common ? 'common' : 'own'].join(' | '),
  );
  expect(lines).toEqual([
    'asleep | after night | awake |  | own',
    'asleep | rest | asleep |  | common',
    'awake | move | asleep | isSafe and not isTired | own',
    'awake | move | awake | isSafe or isFar | own',
    'awake | wake | awake | isLoud | common',
    'awake | look | awake |  | common',
    'awake | rest | asleep |  | common',
  ]);
});
