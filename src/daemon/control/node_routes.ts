import { z } from 'zod';
import type { Operations } from '../operations/operations.js';
import { history_query, node_query } from './query_parts.js';
import { type Route, node_choice, route } from './route.js';
import {
  doctorSchema,
  leftoverRemovalSchema,
  nodeSchema,
  pingSchema,
  replicaHistorySchema,
  replicaSchema,
  shutdownSchema,
  statusSchema,
} from './schemas/node.js';

const leftoversBody = z.strictObject({ image: z.string(), names: z.array(z.string()).min(1).max(10_000) });
const shutdownBody = z.strictObject({
  node: node_choice,
  mode: z
    .enum(['checkpoint', 'finish'])
    .default('checkpoint')
    .describe('`checkpoint`: keep what was received so far; `finish`: let what runs come to its end first'),
});

/** The nodes: the one that is asked, and those that it knows. */
export function nodeRoutes({ status, doctor, replicas, nodes }: Operations): Route[] {
  return [
    route('GET status', {
      summary: 'the daemon that is asked, in short',
      group: 'nodes',
      answer: statusSchema,
      work: status,
    }),
    route('GET doctor', {
      summary: 'looks for what is wrong with the node',
      group: 'nodes',
      answer: doctorSchema,
      work: () => doctor.report(),
    }),
    route('POST doctor/remove', {
      summary: 'removes hidden subvolumes of an image that no transfer wants',
      group: 'nodes',
      body: leftoversBody,
      answer: z.array(leftoverRemovalSchema),
      work: ({ body: { image, names } }) => doctor.removeLeftovers(image, names),
    }),
    route('GET replicas', {
      summary: 'the replicas of the master, by number',
      group: 'replicas',
      answer: z.array(replicaSchema),
      work: () => replicas.list(),
    }),
    route('GET replicas/:name', {
      summary: 'one replica, by name or number',
      group: 'replicas',
      answer: replicaSchema,
      work: (_input, name) => replicas.get(name),
    }),
    route('GET replicas/:name/history', {
      summary: 'every event of one replica, and the state it led to',
      group: 'replicas',
      query: history_query,
      answer: replicaHistorySchema,
      work: ({ query }, name) => replicas.history(name, query),
    }),
    route('GET node', {
      summary: 'what a node says of itself',
      group: 'nodes',
      query: node_query,
      answer: nodeSchema,
      work: ({ query: { node } }) => nodes.get(node),
    }),
    route('POST node/ping', {
      summary: 'asks a node whether it is there, and how long that takes',
      group: 'nodes',
      body: node_query,
      answer: pingSchema,
      work: ({ body: { node } }) => nodes.ping(node),
    }),
    route('POST node/shutdown', {
      summary: 'stops a node in an orderly way',
      group: 'nodes',
      body: shutdownBody,
      answer: shutdownSchema,
      work: ({ body: { node, mode } }) => nodes.shutdown(node, mode),
    }),
  ];
}
