/** What nodes ask each other at once: operations on the images of a replica, by its master. */
import { z } from 'zod';
import type { Clock } from '../core/clock.js';
import { IcbdError } from '../core/errors.js';
import type { Request } from '../core/link.js';
import type { EventCause } from '../core/records.js';
import type { ImageRepository } from './images/image_repository.js';
import { answerImageRequest, image_params, isImageMethod } from './requests/image_requests.js';
import {
  type AnsweringSelf,
  answerSelfRequest,
  isSelfMethod,
  self_params,
} from './requests/self_requests.js';
import { answerScanRequest, isScanMethod, scan_params } from './verify/scan_requests.js';
import type { SnapshotScans } from './verify/snapshot_scans.js';

const schemas = {
  lineage: z.strictObject({ image: z.string() }),
  clock: z.strictObject({}),
  ...image_params,
  ...self_params,
  ...scan_params,
} as const;

export type NodeMethod = keyof typeof schemas;
export type NodeParams<M extends NodeMethod> = z.infer<(typeof schemas)[M]>;

function parse<M extends NodeMethod>(method: M, params: unknown): NodeParams<M> {
  const result = schemas[method].safeParse(params);
  if (result.success) return result.data as NodeParams<M>;
  throw new IcbdError('InvalidMessage', `${method}: ${z.prettifyError(result.error)}`, {
    operation: 'answer request',
    subject: method,
  });
}

export interface Answering extends AnsweringSelf {
  readonly repository: ImageRepository;
  readonly scans: SnapshotScans;
  readonly clock: Clock;
}

/** Answers requests. @throws IcbdError: what the repository and the scans throw, or `InvalidMessage` */
export async function answerRequest(
  answering: Answering,
  node: string,
  { method, params }: Request,
  knowsEveryImage: boolean,
): Promise<unknown> {
  const { repository, scans, clock } = answering;
  if (isSelfMethod(method)) {
    return answerSelfRequest(answering, node, { method, params: parse(method, params) } as never);
  }
  if (isScanMethod(method)) {
    // The method says which shape its parameters have.
    return answerScanRequest(scans, { method, params: parse(method, params) } as never);
  }
  const cause: EventCause = { kind: 'operator', who: `by way of ${node}` };
  if (isImageMethod(method)) {
    return answerImageRequest(repository, { method, params: parse(method, params) } as never, cause);
  }
  switch (method) {
    case 'lineage': {
      const { image } = parse(method, params);
      // With auto_add_images, an image that is not there yet is one without snapshots.
      if (knowsEveryImage && !repository.has(image)) return [];
      return repository.snapshots(image);
    }
    case 'clock':
      parse(method, params);
      return { now_ms: clock.now() };
    default:
      throw new IcbdError('InvalidMessage', `this node knows no request ${method}`, {
        operation: 'answer request',
        subject: method,
      });
  }
}
