/** The requests of a master about the images of its replicas, and their snapshots. */
import { z } from 'zod';
import { codec_names } from '../../core/codecs.js';
import { IcbdError } from '../../core/errors.js';
import type { EventCause } from '../../core/records.js';
import type { ImageRepository } from '../images/image_repository.js';
import { isInside } from '../images/inside.js';

const snapshot = { image: z.string(), number: z.string() };

export const image_params = {
  'image.list': z.strictObject({}),
  'image.show': z.strictObject({ name: z.string() }),
  'image.add': z.strictObject({
    name: z.string(),
    source: z.string().optional(),
    codec: z.enum(codec_names).optional(),
    create: z.boolean().optional(),
  }),
  'image.remove': z.strictObject({ name: z.string() }),
  'image.rescan': z.strictObject({ name: z.string() }),
  'image.history': z.strictObject({
    name: z.string(),
    after_seq: z.int().min(0).optional(),
    changes: z.boolean().optional(),
    limit: z.int().min(1).optional(),
  }),
  'snapshot.list': z.strictObject({ image: z.string(), needs: z.boolean().optional() }),
  'snapshot.show': z.strictObject(snapshot),
  'snapshot.last': z.strictObject({ image: z.string() }),
  'snapshot.create': z.strictObject({ image: z.string(), number: z.string().optional() }),
  'snapshot.add': z.strictObject({ ...snapshot, from: z.string().optional() }),
  'snapshot.delete': z.strictObject({ ...snapshot, force: z.boolean().optional() }),
} as const;

export type ImageMethod = keyof typeof image_params;
export type ImageParams<M extends ImageMethod> = z.infer<(typeof image_params)[M]>;

export function isImageMethod(method: string): method is ImageMethod {
  return Object.hasOwn(image_params, method);
}

/** A peer names no path of this node but those of the image that it speaks of. */
async function checkFrom(image_path: string, from: string | undefined): Promise<void> {
  if (from === undefined || (await isInside(image_path, from))) return;
  throw new IcbdError('NotPermitted', `${from} does not lie in the image's directory`, {
    operation: 'add snapshot',
    subject: from,
    hint: `from another node, only what lies in ${image_path} can be added; on the node itself, anything can`,
  });
}

/** Answers one such request; `params` are checked already. @throws IcbdError: what the repository throws */
export async function answerImageRequest(
  repository: ImageRepository,
  request: { [M in ImageMethod]: { readonly method: M; readonly params: ImageParams<M> } }[ImageMethod],
  cause: EventCause,
): Promise<unknown> {
  switch (request.method) {
    case 'image.list':
      return repository.list();
    case 'image.show':
      return repository.details(request.params.name);
    case 'image.add':
      return repository.add(request.params, cause);
    case 'image.remove':
      return repository.remove(request.params.name, cause);
    case 'image.rescan':
      return repository.rescan(request.params.name, cause);
    case 'image.history': {
      const { name, ...filter } = request.params;
      return repository.history(name, filter);
    }
    case 'snapshot.list':
      return repository.reports(request.params.image, request.params.needs === true ? new Map() : undefined);
    case 'snapshot.show':
      return repository.report(request.params.image, request.params.number);
    case 'snapshot.last':
      return repository.last(request.params.image);
    case 'snapshot.create':
      return repository.createSnapshot(request.params.image, request.params.number, cause);
    case 'snapshot.add': {
      const { image, number, from } = request.params;
      repository.require(image);
      await checkFrom(repository.path(image), from);
      return repository.addSnapshot(image, number, from, cause);
    }
    case 'snapshot.delete': {
      const { image, number, force } = request.params;
      return repository.deleteSnapshot(image, number, cause, { force });
    }
  }
}
