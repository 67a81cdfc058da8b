import { type AnyStateMachine, assign, setup } from 'xstate';
import type { MachineDefinitions } from '../../../../src/actors/machines.js';
import { intents } from '../../../../src/actors/intents.js';

interface CounterContext {
  readonly name: string;
  readonly count: number;
  readonly restarts: number;
  readonly last: string;
}

type Params = Record<string, unknown>;

const setupCounter = setup({
  types: { context: {} as CounterContext, input: {} as { name: string }, tags: {} as 'settled' },
  actions: intents,
});

const note = setupCounter.assign({ last: ({ event }) => event.type });

/** A small machine that does everything a machine can ask for. */
const machine: AnyStateMachine = setupCounter.createMachine({
  id: 'counter',
  context: ({ input }) => ({ name: input.name, count: 0, restarts: 0, last: '' }),
  initial: 'idle',
  on: {
    restarted: { actions: assign({ restarts: ({ context }) => context.restarts + 1, last: 'restarted' }) },
    count: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    explode: {
      actions: assign({
        count: (): number => {
          throw new Error('the machine is broken');
        },
      }),
    },
    tell: {
      actions: {
        type: 'tell',
        params: ({ event }: { event: Params }) => ({
          to: { kind: 'image' as const, id: event['to'] as string },
          event: { type: event['say'] as string },
        }),
      },
    },
    spawn: {
      actions: {
        type: 'spawn',
        params: ({ event }: { event: Params }) => ({
          kind: 'image' as const,
          id: event['id'] as string,
          input: { name: event['id'] },
        }),
      },
    },
    message: {
      actions: {
        type: 'message',
        params: ({ event }: { event: Params }) => ({
          peer: event['peer'] as string,
          to: { kind: 'reception' as const, id: 'r1' },
          event: { type: 'hello' },
        }),
      },
    },
    settle: '.settled',
  },
  states: {
    idle: { on: { work: 'working', wait: 'waiting', flash: 'flashing' } },
    working: {
      entry: { type: 'effect', params: ({ event }) => ({ kind: 'work', params: { from: event.type } }) },
      exit: { type: 'stop', params: { kind: 'work' } },
      on: {
        'work.done': { target: 'idle', actions: note },
        'work.failed': { target: 'idle', actions: note },
        halt: 'idle',
        work: { target: 'working', reenter: true },
      },
    },
    waiting: { after: { 5000: { target: 'idle', actions: assign({ last: 'rang' }) } }, on: { halt: 'idle' } },
    /** Starts an effect and stops it in the same step. */
    flashing: {
      entry: { type: 'effect', params: { kind: 'work', params: {} } },
      exit: { type: 'stop', params: { kind: 'work' } },
      always: 'idle',
    },
    settled: { tags: 'settled' },
  },
}) as AnyStateMachine;

const labels = (): object => ({});
const described = {
  labels,
  attempt: () => 0,
  guard_words: {},
  when_parked: () => [],
  woken_event: 'restarted',
} as const;
const definition = { machine, version: 1, migrations: {}, ...described };

/** The counter in place of every machine. */
export const counters: MachineDefinitions = {
  image: definition,
  replica: definition,
  transfer: definition,
  reception: definition,
};

/** The counter in its second version: `idle` is called `resting`, and `count` says by how much. */
export function secondVersion(migrations: MachineDefinitions['image']['migrations']): MachineDefinitions {
  const renamed = setupCounter.createMachine({
    id: 'counter',
    context: ({ input }) => ({ name: input.name, count: 0, restarts: 0, last: '' }),
    initial: 'resting',
    on: {
      restarted: { actions: assign({ restarts: ({ context }) => context.restarts + 1, last: 'restarted' }) },
      /** Of an event of the first version, this makes nothing but an exception. */
      count: {
        actions: assign({
          count: ({ context, event }) =>
            context.count + (event as unknown as { by: { amount: number } }).by.amount,
        }),
      },
    },
    states: { resting: {}, settled: { tags: 'settled' } },
  }) as AnyStateMachine;
  return { ...counters, image: { machine: renamed, version: 2, migrations, ...described } };
}
