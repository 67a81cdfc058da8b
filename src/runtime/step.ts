/** One pure step of a machine: from snapshot and event to snapshot and intents. */
import { initialTransition, transition } from 'xstate';
import type { MachineDefinition } from '../actors/machines.js';
import type {
  EffectIntent,
  MessageIntent,
  Several,
  SpawnIntent,
  StopIntent,
  TellIntent,
} from '../actors/intents.js';
import type { ActorLabels, GuardResult, MachineSnapshot, PlainEvent } from '../core/records.js';
import { TracedMachine } from './traced_machine.js';

export type Intent =
  | { readonly type: 'effect'; readonly effect: EffectIntent }
  | { readonly type: 'stop'; readonly stop: StopIntent }
  | { readonly type: 'tell'; readonly tell: TellIntent }
  | { readonly type: 'spawn'; readonly spawn: SpawnIntent }
  | { readonly type: 'message'; readonly message: MessageIntent }
  | {
      readonly type: 'set_timer';
      readonly timer: string;
      readonly delay_ms: number;
      readonly event: PlainEvent;
    }
  | { readonly type: 'cancel_timer'; readonly timer: string };

export interface Step {
  readonly snapshot: MachineSnapshot;
  /** Name of the state after the step; nested names are joined by dots. */
  readonly state: string;
  readonly settled: boolean;
  readonly labels: ActorLabels;
  /** Of a transfer or a reception; 0 for all others. */
  readonly attempt: number;
  /** Whether the machine had a transition for the event that does something. */
  readonly handled: boolean;
  /** Why it had none; empty if it had one. */
  readonly ignored_reason: string;
  readonly guards: readonly GuardResult[];
  readonly intents: readonly Intent[];
}

type AnySnapshot = ReturnType<MachineDefinition['machine']['resolveState']>;
/** What `transition` returns of each action: its name, and its params as the machine computed them. */
interface NamedAction {
  readonly type: string;
  readonly params?: unknown;
}

/** `sending`, or `sending.waiting` for nested states. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([name, inner]) => {
      const rest = stateName(inner);
      return rest === '' ? name : `${name}.${rest}`;
    })
    .join(',');
}

function list<T>(several: Several<T>): readonly T[] {
  return Array.isArray(several) ? (several as readonly T[]) : [several as T];
}

function readAction(action: NamedAction): Intent[] {
  const params = action.params as never;
  switch (action.type) {
    case 'effect':
      return list<EffectIntent>(params).map((effect) => ({ type: 'effect', effect }));
    case 'stop':
      return list<StopIntent>(params).map((stop) => ({ type: 'stop', stop }));
    case 'tell':
      return list<TellIntent>(params).map((tell) => ({ type: 'tell', tell }));
    case 'spawn':
      return list<SpawnIntent>(params).map((spawn) => ({ type: 'spawn', spawn }));
    case 'message':
      return list<MessageIntent>(params).map((message) => ({ type: 'message', message }));
    case 'xstate.raise': {
      const { id, delay, event } = params as { id: string; delay: number; event: PlainEvent };
      return [{ type: 'set_timer', timer: id, delay_ms: delay, event }];
    }
    case 'xstate.cancel':
      return [{ type: 'cancel_timer', timer: (params as { sendId: string }).sendId }];
    default:
      throw new Error(`the machine asked for ${action.type}, which the runtime does not know`);
  }
}

function toStep(
  definition: MachineDefinition,
  next: AnySnapshot,
  actions: readonly NamedAction[],
  asked: Pick<Step, 'handled' | 'ignored_reason' | 'guards'>,
): Step {
  if (next.status === 'error') throw new Error('the machine ended in an error');
  return {
    ...asked,
    snapshot: { value: next.value, context: next.context },
    state: stateName(next.value),
    settled: next.hasTag('settled'),
    labels: definition.labels(next.context as never),
    attempt: definition.attempt(next.context as never),
    intents: actions.flatMap(readAction),
  };
}

/** The first step of a new actor. */
export function firstStep(definition: MachineDefinition, input: unknown): Step {
  const [next, actions] = initialTransition(definition.machine, input);
  return toStep(definition, next, actions, { handled: true, ignored_reason: '', guards: [] });
}

/**
 * The step that `event` makes.
 * @throws when the snapshot does not fit the machine, or the machine throws: the actor is to be parked
 */
export function nextStep(definition: MachineDefinition, snapshot: MachineSnapshot, event: PlainEvent): Step {
  const traced = TracedMachine.of(definition.machine);
  const before = traced.machine.resolveState({
    value: snapshot.value as never,
    context: snapshot.context,
  });
  const chosen = traced.machine.getTransitionData(before, event);
  const handled = chosen.some(({ target, actions }) => target !== undefined || actions.length > 0);
  const { result, guards } = traced.trace(() => transition(traced.machine, before, event));
  const said = chosen.find(({ description }) => description !== undefined)?.description;
  const ignored_reason = handled ? '' : (said ?? whyIgnored(definition, before, event, guards));
  return toStep(definition, ...result, { handled, ignored_reason, guards });
}

/** Transitions that do nothing say why in their description; all else is what no transition or guard wanted. */
function whyIgnored(
  { guard_words }: MachineDefinition,
  before: AnySnapshot,
  event: PlainEvent,
  guards: readonly GuardResult[],
): string {
  const refused = guards.filter(({ passed }) => !passed).map(({ guard }) => guard_words[guard] ?? guard);
  if (refused.length > 0) return refused.join('; ');
  return `the state ${stateName(before.value)} takes no ${event.type}`;
}

/**
 * A stored snapshot as the current machine understands it.
 * @param version the machine version that wrote it
 * @throws when it is of a newer version, or a migration is missing or fails
 */
export function migrateSnapshot(
  definition: MachineDefinition,
  version: number,
  snapshot: MachineSnapshot,
): MachineSnapshot {
  if (version > definition.version) {
    throw new Error(`it was written by machine version ${version}; this program knows ${definition.version}`);
  }
  let migrated = snapshot;
  for (let from = version; from < definition.version; from += 1) {
    const migration = definition.migrations[from];
    if (migration === undefined) throw new Error(`no migration from machine version ${from}`);
    migrated = migration(migrated);
  }
  return migrated;
}
