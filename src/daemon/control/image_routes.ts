import { z } from 'zod';
import { codec_names } from '../../core/codecs.js';
import type { Operations } from '../operations/operations.js';
import { type PlainRoute, fit, node_choice, nodeIn, query } from './route.js';

const imageAdd = z.strictObject({
  name: z.string(),
  source: z.string().optional(),
  codec: z.enum(codec_names).optional(),
  create: z.boolean().optional(),
  node: node_choice,
});
const snapshotCreate = z.strictObject({ number: z.string().optional(), node: node_choice });
const snapshotAdd = z.strictObject({ from: z.string().optional(), node: node_choice });
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const listQuery = z.strictObject({ node: node_choice, needs: flag.optional() });
const deleteQuery = z.strictObject({ node: node_choice, force: flag.optional() });
const rescanBody = z.strictObject({ node: node_choice });
const verifyBody = z.strictObject({ node: node_choice });

/** Images, their snapshots, and comparing them. */
export function imageRoutes({ images, snapshots, verifications }: Operations): PlainRoute[] {
  return [
    ['GET', 'images', (request) => images.list(nodeIn(request))],
    ['POST', 'images', ({ body }) => images.add(fit(imageAdd, body, 'image'))],
    ['DELETE', 'images/:image', (request, [image = '']) => images.remove(image, nodeIn(request))],
    ['GET', 'images/:image', (request, [image = '']) => images.get(image, nodeIn(request))],
    [
      'POST',
      'images/:image/rescan',
      ({ body }, [image = '']) => images.rescan(image, fit(rescanBody, body ?? {}, 'rescan').node),
    ],
    ['GET', 'images/:image/last', (request, [image = '']) => snapshots.last(image, nodeIn(request))],
    [
      'GET',
      'images/:image/snapshots',
      (request, [image = '']) => snapshots.list(image, query(listQuery, request)),
    ],
    [
      'GET',
      'images/:image/snapshots/:number',
      (request, [image = '', number = '']) => snapshots.get(image, number, nodeIn(request)),
    ],
    [
      'POST',
      'images/:image/snapshots',
      ({ body }, [image = '']) => {
        const wanted = fit(snapshotCreate, body ?? {}, 'snapshot');
        return snapshots.create(image, wanted.number, wanted.node);
      },
    ],
    [
      'POST',
      'images/:image/snapshots/:number/add',
      ({ body }, [image = '', number = '']) =>
        snapshots.add(image, number, fit(snapshotAdd, body ?? {}, 'snapshot')),
    ],
    [
      'DELETE',
      'images/:image/snapshots/:number',
      (request, [image = '', number = '']) => snapshots.delete(image, number, query(deleteQuery, request)),
    ],
    [
      'POST',
      'images/:image/snapshots/:number/verify',
      ({ body }, [image = '', number = '']) =>
        verifications.start(image, number, fit(verifyBody, body ?? {}, 'verify').node),
    ],
    ['GET', 'verifications/:id', (_request, [id = '']) => verifications.report(id)],
    ['DELETE', 'verifications/:id', (_request, [id = '']) => verifications.cancel(id)],
  ];
}
