import { z } from 'zod';
import type { SnapshotOperations, VerifyOperations } from '../operations/operations.js';
import { flag, node_query } from './query_parts.js';
import { type Route, node_choice, route } from './route.js';
import { snapshotSchema } from './schemas/image.js';
import { verifySchema } from './schemas/verify.js';

const listQuery = z.strictObject({
  node: node_choice,
  needs: flag.optional().describe('find out who needs which; it may take a moment'),
});
const createBody = z.strictObject({
  number: z.string().optional().describe('default: the next'),
  node: node_choice,
});
const addBody = z.strictObject({
  from: z
    .string()
    .optional()
    .describe('absolute path of the subvolume to take a snapshot of; default: the one that stands there'),
  node: node_choice,
});
const deleteQuery = z.strictObject({
  node: node_choice,
  force: flag.optional().describe('also one that somebody needs'),
});

/** Snapshots of images, and comparing them. */
export function snapshotRoutes(snapshots: SnapshotOperations, verifications: VerifyOperations): Route[] {
  return [
    route('GET images/:image/last', {
      summary: 'the last snapshot of an image',
      group: 'snapshots',
      query: node_query,
      answer: snapshotSchema,
      work: ({ query: { node } }, image) => snapshots.last(image, node),
    }),
    route('GET images/:image/snapshots', {
      summary: 'the snapshots of an image',
      group: 'snapshots',
      query: listQuery,
      answer: z.array(snapshotSchema),
      work: ({ query }, image) => snapshots.list(image, query),
    }),
    route('GET images/:image/snapshots/:number', {
      summary: 'one snapshot',
      group: 'snapshots',
      query: node_query,
      answer: snapshotSchema,
      work: ({ query: { node } }, image, number) => snapshots.get(image, number, node),
    }),
    route('POST images/:image/snapshots', {
      summary: 'takes a snapshot of the source of an image',
      group: 'snapshots',
      body: createBody,
      answer: snapshotSchema,
      work: ({ body: { number, node } }, image) => snapshots.create(image, number, node),
    }),
    route('POST images/:image/snapshots/:number/add', {
      summary: 'makes a subvolume that is there a snapshot of an image',
      group: 'snapshots',
      body: addBody,
      answer: snapshotSchema,
      work: ({ body }, image, number) => snapshots.add(image, number, body),
    }),
    route('DELETE images/:image/snapshots/:number', {
      summary: 'deletes a snapshot, unless somebody needs it',
      group: 'snapshots',
      query: deleteQuery,
      answer: snapshotSchema,
      work: ({ query }, image, number) => snapshots.delete(image, number, query),
    }),
    route('POST images/:image/snapshots/:number/verify', {
      summary: 'starts to compare a snapshot with its copies: on one replica, or on all that are online',
      group: 'snapshots',
      body: node_query,
      answer: verifySchema,
      work: ({ body: { node } }, image, number) => verifications.start(image, number, node),
    }),
    route('GET verifications/:id', {
      summary: 'how far a comparison is, and what it found',
      group: 'snapshots',
      answer: verifySchema,
      work: (_input, id) => verifications.report(id),
    }),
    route('DELETE verifications/:id', {
      summary: 'ends a comparison',
      group: 'snapshots',
      answer: verifySchema,
      work: (_input, id) => verifications.cancel(id),
    }),
  ];
}
