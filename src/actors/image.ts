/**
 * The image actor, on every node: one for each image that the node replicates.
 *
 * The snapshots themselves are read from the disk whenever somebody asks; what stands here is the summary of
 * the last scan, and the work on the image: taking and deleting snapshots, and starting transfers.
 */
import { assign, setup } from 'xstate';
import type { Codec } from '../core/codecs.js';
import type { ErrorReport } from '../core/errors.js';
import { type RuntimeEvent, type Timed, intents } from './intents.js';
import type { TransferInput } from './transfer_events.js';

export interface ImageInput {
  readonly name: string;
  /** Path of the writable subvolume that snapshots are taken of; empty: the image has none on this node. */
  readonly source: string;
  /** For its transfers, where a send does not say otherwise; null: what the config says. */
  readonly codec: Codec | null;
}

export interface ImageContext extends ImageInput {
  /** As the last scan found it; null before the first. */
  readonly scan: ScanResult | null;
  readonly error: ErrorReport | null;
}

export interface ScanResult {
  readonly snapshot_count: number;
  /** Number of the last snapshot; empty if there is none. */
  readonly newest: string;
  /** Differs for every other set of snapshots; empty if it is not known. */
  readonly fingerprint: string;
}

export type ImageEvent = (
  | { readonly type: 'image.add'; readonly source: string; readonly codec: Codec | null }
  | { readonly type: 'image.remove' }
  | { readonly type: 'image.rescan' }
  | { readonly type: 'snapshot.create'; readonly number: string }
  | { readonly type: 'snapshot.add'; readonly number: string; readonly from: string }
  | { readonly type: 'snapshot.delete'; readonly number: string }
  | { readonly type: 'image.send'; readonly transfers: readonly TransferInput[] }
  | { readonly type: 'scan.done'; readonly result: ScanResult }
  | { readonly type: 'scan.failed'; readonly error: ErrorReport }
  | { readonly type: 'create_snapshot.done'; readonly number: string }
  | { readonly type: 'create_snapshot.failed'; readonly error: ErrorReport }
  | { readonly type: 'add_snapshot.done'; readonly number: string }
  | { readonly type: 'add_snapshot.failed'; readonly error: ErrorReport }
  | { readonly type: 'delete_snapshot.done'; readonly number: string }
  | { readonly type: 'delete_snapshot.failed'; readonly error: ErrorReport }
) &
  Timed;

const setupImage = setup({
  types: {
    context: {} as ImageContext,
    events: {} as ImageEvent | RuntimeEvent,
    input: {} as ImageInput,
    tags: {} as 'settled',
  },
  actions: intents,
});

const noteError = setupImage.assign({ error: ({ event }) => ('error' in event ? event.error : null) });

const noteSettings = setupImage.assign(({ context, event }) =>
  event.type === 'image.add' ? { source: event.source, codec: event.codec, error: null } : context,
);

const work = {
  'snapshot.create': {
    actions: {
      type: 'effect',
      params: ({ context, event }: { context: ImageContext; event: { number: string } }) => ({
        kind: 'create_snapshot',
        params: { image: context.name, source: context.source, number: event.number },
      }),
    },
  },
  'snapshot.add': {
    actions: {
      type: 'effect',
      params: ({ context, event }: { context: ImageContext; event: { number: string; from: string } }) => ({
        kind: 'add_snapshot',
        params: { image: context.name, source: context.source, number: event.number, from: event.from },
      }),
    },
  },
  'snapshot.delete': {
    actions: {
      type: 'effect',
      params: ({ context, event }: { context: ImageContext; event: { number: string } }) => ({
        kind: 'delete_snapshot',
        params: { image: context.name, number: event.number },
      }),
    },
  },
  'image.send': {
    actions: {
      type: 'spawn',
      params: ({ event }: { event: { transfers: readonly TransferInput[] } }) =>
        event.transfers.map((input) => ({ kind: 'transfer' as const, id: input.id, input })),
    },
  },
} as const;

export const imageMachine = setupImage.createMachine({
  id: 'image',
  context: ({ input }) => ({ ...input, scan: null, error: null }),
  initial: 'scanning',
  on: {
    'image.remove': '.removed',
    restarted: '.scanning',
  },
  states: {
    scanning: {
      description: 'looks for the snapshots on disk',
      entry: {
        type: 'effect',
        params: ({ context }) => ({ kind: 'scan', params: { image: context.name } }),
      },
      exit: { type: 'stop', params: { kind: 'scan' } },
      on: {
        ...work,
        'scan.done': {
          target: 'present',
          actions: assign({ scan: ({ event }) => event.result, error: null }),
        },
        'scan.failed': { target: 'missing', actions: noteError },
        'image.rescan': { target: 'scanning', reenter: true },
        'create_snapshot.done': { target: 'scanning', reenter: true },
        'create_snapshot.failed': { actions: noteError },
        'add_snapshot.done': { target: 'scanning', reenter: true },
        'add_snapshot.failed': { actions: noteError },
        'delete_snapshot.done': { target: 'scanning', reenter: true },
        'delete_snapshot.failed': { actions: noteError },
      },
    },
    present: {
      description: 'on disk, as the last scan found it',
      on: {
        ...work,
        'image.rescan': 'scanning',
        'create_snapshot.done': 'scanning',
        'create_snapshot.failed': { actions: noteError },
        'add_snapshot.done': 'scanning',
        'add_snapshot.failed': { actions: noteError },
        'delete_snapshot.done': 'scanning',
        'delete_snapshot.failed': { actions: noteError },
      },
    },
    missing: {
      description: 'its directory cannot be read',
      on: { 'image.rescan': 'scanning', 'image.add': { target: 'scanning', actions: noteSettings } },
    },
    removed: {
      tags: 'settled',
      description: 'no longer replicated by this node; its files are left alone',
      on: {
        'image.add': { target: 'scanning', actions: noteSettings },
        'image.remove': {},
        restarted: {},
      },
    },
  },
});
