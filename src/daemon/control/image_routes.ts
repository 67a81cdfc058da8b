import { z } from 'zod';
import type { ImageAddRequest } from '../../core/report.js';
import type { ImageOperations } from '../operations/operations.js';
import { node_history_query, node_query } from './query_parts.js';
import { type Route, node_choice, route } from './route.js';
import { codec } from './schemas/common.js';
import { imageDetailsSchema, imageHistorySchema, imageSchema } from './schemas/image.js';

const addBody: z.ZodType<ImageAddRequest> = z
  .strictObject({
    name: z.string(),
    source: z.string().optional().describe('the writable subvolume that snapshots are taken of'),
    codec: codec.optional(),
    create: z.boolean().optional().describe('make the directory if it is missing; replicas always do'),
    node: node_choice,
  })
  .meta({ id: 'ImageAddRequest' });

export function imageRoutes(images: ImageOperations): Route[] {
  return [
    route('GET images', {
      summary: 'the images of a node',
      group: 'images',
      query: node_query,
      answer: z.array(imageSchema),
      work: ({ query: { node } }) => images.list(node),
    }),
    route('POST images', {
      summary: 'adds an image; its snapshots on disk are found',
      group: 'images',
      body: addBody,
      answer: imageSchema,
      work: ({ body }) => images.add(body),
    }),
    route('DELETE images/:image', {
      summary: 'ends the replication of an image; its files are left alone',
      group: 'images',
      query: node_query,
      answer: imageSchema,
      work: ({ query: { node } }, image) => images.remove(image, node),
    }),
    route('GET images/:image', {
      summary: 'all about one image, as it is on disk now',
      group: 'images',
      query: node_query,
      answer: imageDetailsSchema,
      work: ({ query: { node } }, image) => images.get(image, node),
    }),
    route('GET images/:image/history', {
      summary: 'every step of one image, and the work that ran meanwhile',
      group: 'images',
      query: node_history_query,
      answer: imageHistorySchema,
      work: ({ query: { node, ...filter } }, image) => images.history(image, filter, node),
    }),
    route('POST images/:image/rescan', {
      summary: 'looks at the disk again',
      group: 'images',
      body: node_query,
      answer: imageSchema,
      work: ({ body: { node } }, image) => images.rescan(image, node),
    }),
  ];
}
