/** Which durable messages a node may send to which actor. Everything else is refused, and the link closed. */
import { z } from 'zod';
import { codec_names } from '../core/codecs.js';
import { error_codes, IcbdError } from '../core/errors.js';
import type { IncomingMessage } from '../core/link.js';
import { checkImageName, checkSnapshotNumber } from '../core/names.js';
import type { Storage } from '../storage/storage.js';
import type { TransferContext } from '../actors/transfer_events.js';
import type { MessageCheck } from './postman.js';

const attempt = z.int().min(1);
const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const transfer_id = z.string().regex(/^[0-9]+-[0-9a-f]{4}$/);

const errorReport = z.strictObject({
  code: z.enum(Object.keys(error_codes) as [keyof typeof error_codes]),
  message: z.string(),
  operation: z.string(),
  subject: z.string(),
  retryable: z.boolean(),
  hint: z.string(),
});

const passes = (check: (text: string) => unknown) =>
  z.string().refine(
    (text) => {
      try {
        check(text);
        return true;
      } catch {
        return false;
      }
    },
    { error: 'is no name' },
  );

const outcome = z.strictObject({
  already_there: z.boolean(),
  stream_bytes: z.int().min(0),
  hash: z.string().max(64),
});

const toTransfer = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('reception.ready'), attempt, resume_bytes: z.int().min(0) }),
  z.strictObject({ type: z.literal('reception.waiting'), attempt }),
  z.strictObject({ type: z.literal('reception.refused'), attempt, error: errorReport }),
  z.strictObject({ type: z.literal('reception.failed'), attempt, error: errorReport }),
  z.strictObject({ type: z.literal('reception.completed'), attempt: z.int().min(0), outcome }),
  z.strictObject({ type: z.literal('reception.cancelled'), attempt: z.int().min(0) }),
]);

const toReception = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('transfer.offer'),
    attempt,
    uuid,
    parent: z.strictObject({ number: passes(checkSnapshotNumber), uuid }).nullable(),
    stream_version: z.union([z.literal(1), z.literal(2)]),
    from_zero: z.boolean(),
    // Left out in an offer that an older release wrote down.
    ssh: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal('transfer.start'), attempt, codec: z.enum(codec_names) }),
  z.strictObject({ type: z.literal('transfer.cancel') }),
  z.strictObject({ type: z.literal('transfer.hold'), attempt }),
]);

const receptionInput = z
  .strictObject({ id: transfer_id, image: passes(checkImageName), number: passes(checkSnapshotNumber) })
  .nullable();

function refuse(
  code: 'InvalidMessage' | 'NotPermitted',
  node: string,
  message: IncomingMessage,
  why: string,
): never {
  throw new IcbdError(
    code,
    `${node} sent ${message.event.type} for ${message.to.kind}/${message.to.id}: ${why}`,
    {
      operation: 'receive message',
      subject: node,
    },
  );
}

function fits(schema: z.ZodType, value: unknown, node: string, message: IncomingMessage): void {
  const result = schema.safeParse(value);
  if (!result.success) refuse('InvalidMessage', node, message, z.prettifyError(result.error));
}

/** On the master: a replica speaks of the transfers to itself, and of nothing else. */
export function masterMessageCheck(storage: Storage): MessageCheck {
  return (node, message) => {
    if (message.to.kind !== 'transfer') refuse('NotPermitted', node, message, 'not addressed to a transfer');
    fits(toTransfer, message.event, node, message);
    fits(z.null(), message.create, node, message);
    const transfer = storage.actors.load(message.to);
    const replica = (transfer?.snapshot.context as TransferContext | undefined)?.replica;
    if (transfer !== undefined && replica !== node) refuse('NotPermitted', node, message, 'not its transfer');
  };
}

/** On a replica: the master speaks of receptions. */
export function replicaMessageCheck(): MessageCheck {
  return (node, message) => {
    if (message.to.kind !== 'reception')
      refuse('NotPermitted', node, message, 'not addressed to a reception');
    fits(toReception, message.event, node, message);
    fits(receptionInput, message.create, node, message);
    fits(transfer_id, message.to.id, node, message);
  };
}
