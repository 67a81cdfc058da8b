import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import type { ActorKind, PlainEvent } from '../../../src/core/records.js';
import { Driven } from './drive.js';
import { anyEvent, eventTypes, inputs, sampleEvents } from './machine_events.js';

const kinds = Object.keys(machines) as ActorKind[];

/** Where it goes next depends on its state and on what it was asked for. */
const placeOf = ({ state, context }: Driven): string =>
  [state, ...Object.keys(context).filter((name) => context[name] === true)].join(' ');

describe.each(kinds)('%s, whatever happens to it,', (kind) => {
  test('never throws, and its state is plain JSON', () => {
    fc.assert(
      fc.property(fc.array(anyEvent(kind), { maxLength: 40 }), (events) => {
        const actor = new Driven(kind, inputs[kind]);
        for (const event of events) {
          const { snapshot, intents } = actor.send(event).step;
          // Undefined fields do not come back: an effect or a message must not have any.
          for (const part of [snapshot, intents]) assert.deepEqual(JSON.parse(JSON.stringify(part)), part);
        }
        expect(actor.step.state).not.toBe('');
      }),
      { numRuns: 200 },
    );
  });

  test('leaves an event that it does not know without a trace', () => {
    fc.assert(
      fc.property(fc.array(anyEvent(kind), { maxLength: 10 }), (events) => {
        const actor = new Driven(kind, inputs[kind]).send(...events);
        const { snapshot } = actor.step;
        actor.send({ type: 'no.such.event' });
        expect(actor.step).toMatchObject({ handled: false, intents: [], snapshot });
      }),
    );
  });

  test('can come into every state it has', () => {
    const bring = (events: readonly PlainEvent[]): Driven => new Driven(kind, inputs[kind]).send(...events);
    const reached = new Map([[placeOf(bring([])), [] as PlainEvent[]]]);
    const states = new Set([bring([]).state]);
    // A map is walked in the order of its entries, new ones included: breadth first.
    for (const way of reached.values()) {
      const { attempt } = bring(way).context;
      for (const event of sampleEvents(kind, attempt)) {
        const actor = bring([...way, event]);
        states.add(actor.state);
        if (!reached.has(placeOf(actor))) reached.set(placeOf(actor), [...way, event]);
      }
    }
    expect([...states].toSorted()).toEqual(Object.keys(machines[kind].machine.states).toSorted());
  });

  test('has a description for every state, and a transition for more than the runtime events', () => {
    for (const [state, node] of Object.entries(machines[kind].machine.states)) {
      expect([state, typeof node.description]).toEqual([state, 'string']);
    }
    expect(eventTypes(kind).length).toBeGreaterThan(5);
  });

  test('has a migration for each of its earlier versions', () => {
    const { version, migrations } = machines[kind];
    const earlier = Array.from({ length: version - 1 }, (_, index) => String(index + 1));
    expect(Object.keys(migrations)).toEqual(earlier);
  });
});
