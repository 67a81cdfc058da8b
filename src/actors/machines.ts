/** All machines, with what the runtime needs to know of each. */
import type { AnyStateMachine } from 'xstate';
import type { ActorKind, ActorLabels, ActorRecord, MachineSnapshot } from '../core/records.js';
import type { TellIntent } from './intents.js';
import { receptionFrom1, receptionFrom2, transferFrom1, transferFrom2, transferFrom3 } from './migrations.js';
import { type ImageContext, imageMachine } from './image.js';
import { imageFrom1 } from './image_migrations.js';
import { reception_guard_words, replica_guard_words, transfer_guard_words } from './guard_words.js';
import { receptionMachine } from './reception.js';
import type { ReceptionContext } from './reception_events.js';
import { type ReplicaContext, replicaMachine } from './replica.js';
import { replicaFrom1 } from './replica_migrations.js';
import { transferMachine } from './transfer.js';
import type { TransferContext } from './transfer_events.js';

export interface MachineDefinition {
  readonly machine: AnyStateMachine;
  /** Raised with every change after which an older snapshot would not be understood. */
  readonly version: number;
  /** From version N to N+1, by N: pure; throws if it cannot. */
  readonly migrations: Readonly<Record<number, (snapshot: MachineSnapshot) => MachineSnapshot>>;
  /** What lists filter by. */
  readonly labels: (context: never) => ActorLabels;
  /** Runs so far, of an actor that has attempts; 0 for all others. */
  readonly attempt: (context: never) => number;
  /** What it means, in words, when a guard says no. */
  readonly guard_words: Readonly<Record<string, string>>;
  /** What others on this node have to know when an actor is parked. Its snapshot may be broken: labels are whole. */
  readonly when_parked: (record: Pick<ActorRecord, 'id' | 'labels'>) => readonly TellIntent[];
  /** The event by which one that was parked goes on; every state takes it. */
  readonly woken_event: 'restarted' | 'woken';
}

export type MachineDefinitions = Readonly<Record<ActorKind, MachineDefinition>>;

/** A transfer that takes no events would keep its slot for ever. */
const releaseSlotOf: MachineDefinition['when_parked'] = ({ id, labels: { replica, image } }) =>
  replica === undefined
    ? []
    : [{ to: { kind: 'replica', id: replica }, event: { type: 'slot.release', transfer: id, image } }];

export const machines: MachineDefinitions = {
  image: {
    machine: imageMachine,
    version: 2,
    migrations: { 1: imageFrom1 },
    labels: (context: ImageContext) => ({ image: context.name }),
    attempt: () => 0,
    guard_words: {},
    when_parked: () => [],
    woken_event: 'restarted',
  },
  replica: {
    machine: replicaMachine,
    version: 2,
    migrations: { 1: replicaFrom1 },
    labels: (context: ReplicaContext) => ({ replica: context.name }),
    attempt: () => 0,
    guard_words: replica_guard_words,
    when_parked: () => [],
    woken_event: 'restarted',
  },
  transfer: {
    machine: transferMachine,
    version: 4,
    migrations: { 1: transferFrom1, 2: transferFrom2, 3: transferFrom3 },
    labels: ({ image, number, replica }: TransferContext) => ({ image, snapshot: number, replica }),
    attempt: ({ attempt }: TransferContext) => attempt,
    guard_words: transfer_guard_words,
    when_parked: releaseSlotOf,
    woken_event: 'woken',
  },
  reception: {
    machine: receptionMachine,
    version: 3,
    migrations: { 1: receptionFrom1, 2: receptionFrom2 },
    labels: ({ image, number }: ReceptionContext) => ({ image, snapshot: number }),
    attempt: ({ attempt }: ReceptionContext) => attempt,
    guard_words: reception_guard_words,
    when_parked: () => [],
    woken_event: 'woken',
  },
};
