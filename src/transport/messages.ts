/** Every message between two nodes, and the one place where text from a peer becomes one. */
import { z } from 'zod';
import { isCodec, type Capabilities } from '../core/codecs.js';
import { proof_grid_bytes } from '../core/data_path.js';
import { IcbdError, isErrorCode, type ErrorReport } from '../core/errors.js';
import { limits } from '../core/limits.js';

/** A peer that is not authenticated yet may send no more than this in one message, in bytes. */
export const handshake_frame_bytes = 64 * 1024;

const id = z.int().min(0);
const short = z.string().max(255);
const name = z.string().min(1).max(255);
const nonce = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

/** An error on the wire; `code` may be one that only a newer peer knows. */
const error = z.strictObject({
  code: z.string().min(1).max(100),
  message: z.string().max(16_384),
  operation: z.string().max(1_024),
  subject: z.string().max(16_384),
  retryable: z.boolean(),
  hint: z.string().max(16_384),
});

const capabilities = z.strictObject({
  codecs: z.array(short).max(64),
  stream_version_max: z.int().min(1).max(255),
  btrfs_progs: short,
  kernel: short,
});

const purpose = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('control') }),
  z.strictObject({ kind: z.literal('names') }),
  z.strictObject({ kind: z.literal('data'), transfer: name, attempt: id }),
]);

const address = z.strictObject({
  kind: z.enum(['image', 'replica', 'transfer', 'reception']),
  id: name,
});

const handshake_message = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('challenge'),
    protocol_version: z.int(),
    node: name,
    instance: name,
    nonce,
  }),
  z.strictObject({
    type: z.literal('hello'),
    protocol_version: z.int(),
    node: name,
    instance: name,
    nonce,
    capabilities,
    purpose,
    proof: nonce,
  }),
  z.strictObject({ type: z.literal('welcome'), capabilities, proof: nonce }),
  z.strictObject({ type: z.literal('refuse'), error }),
]);

const control_message = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('message'),
    id,
    floor: id,
    to: address,
    create: z.unknown(),
    event: z.looseObject({ type: z.string().min(1).max(255) }),
  }),
  z.strictObject({ type: z.literal('ack'), id }),
  z.strictObject({ type: z.literal('request'), id, method: z.string().min(1).max(255), params: z.unknown() }),
  z.strictObject({ type: z.literal('response'), id, result: z.unknown() }),
  z.strictObject({ type: z.literal('failure'), id, error }),
  z.strictObject({ type: z.literal('close'), error }),
]);

const hash = z.string().regex(/^[0-9a-f]{16}$/, 'expected 16 lower-case hex digits');
const abort = z.strictObject({ type: z.literal('abort'), error });

const sender_message = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('skipped'), offset_bytes: id }),
  z.strictObject({ type: z.literal('end'), trailer: z.strictObject({ stream_bytes: id, hash }) }),
  abort,
]);

const receiver_message = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('from'),
    place: z.strictObject({ offset_bytes: id.multipleOf(proof_grid_bytes), hash }),
  }),
  z.strictObject({ type: z.literal('taken'), offset_bytes: id }),
  z.strictObject({ type: z.literal('kept'), offset_bytes: id }),
  abort,
]);

export type WireError = z.infer<typeof error>;
export type WireCapabilities = z.infer<typeof capabilities>;
export type Purpose = z.infer<typeof purpose>;
export type HandshakeMessage = z.infer<typeof handshake_message>;
export type ControlMessage = z.infer<typeof control_message>;
/** Text of a data link from the sender of the stream, the server. */
export type SenderMessage = z.infer<typeof sender_message>;
/** Text of a data link from the receiver of the stream, the client. */
export type ReceiverMessage = z.infer<typeof receiver_message>;

function parse<T>(schema: z.ZodType<T>, text: string, limit_bytes: number, operation: string): T {
  // A character is at most three bytes of UTF-8 per UTF-16 unit: short texts need no count.
  if (text.length * 3 > limit_bytes && Buffer.byteLength(text) > limit_bytes) {
    throw new IcbdError('FrameTooLarge', `a message over ${String(limit_bytes)} bytes`, { operation });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message would repeat what the peer sent, which may be a secret sent to the wrong place.
    throw new IcbdError('InvalidMessage', 'not JSON', { operation });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, 3);
  const said = issues.map((issue) => `${issue.path.join('.') || 'message'}: ${issue.message}`).join('; ');
  throw new IcbdError('InvalidMessage', said, {
    operation,
    hint: 'the peer speaks another dialect of the protocol: compare the versions of both nodes',
  });
}

/**
 * @throws IcbdError `InvalidMessage` that names the field that does not fit; `FrameTooLarge` over
 *   `limits.control_frame_bytes`
 */
export function parseControlMessage(text: string): ControlMessage {
  return parse(control_message, text, limits.control_frame_bytes, 'read control message');
}

/** As `parseControlMessage`, for what comes before authentication: at most `handshake_frame_bytes`. */
export function parseHandshakeMessage(text: string): HandshakeMessage {
  return parse(handshake_message, text, handshake_frame_bytes, 'read handshake message');
}

/** As `parseControlMessage`, for what the receiver of a data link reads; at most `handshake_frame_bytes`. */
export function parseSenderMessage(text: string): SenderMessage {
  return parse(sender_message, text, handshake_frame_bytes, 'read data link message');
}

/** As `parseControlMessage`, for what the sender on a data link reads; at most `handshake_frame_bytes`. */
export function parseReceiverMessage(text: string): ReceiverMessage {
  return parse(receiver_message, text, handshake_frame_bytes, 'read data link message');
}

/** The version a peer speaks, read before anything else, since its other fields may look different then. */
export function peekProtocolVersion(text: string): number | undefined {
  const peek = z.looseObject({ type: z.enum(['challenge', 'hello']), protocol_version: z.int() });
  try {
    return parse(peek, text, handshake_frame_bytes, 'read handshake message').protocol_version;
  } catch {
    return undefined;
  }
}

/** @throws IcbdError `FrameTooLarge` for a message that the peer would not take */
export function encodeControlMessage(message: ControlMessage): string {
  const text = JSON.stringify(message);
  if (text.length * 3 > limits.control_frame_bytes && Buffer.byteLength(text) > limits.control_frame_bytes) {
    throw new IcbdError(
      'FrameTooLarge',
      `a ${message.type} of more than ${String(limits.control_frame_bytes)} bytes`,
      { operation: 'send control message' },
    );
  }
  return text;
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 4)} ...`;
}

/** An error for the wire, its texts cut to what the schema takes. */
export function toWireError(report: ErrorReport): WireError {
  return {
    code: report.code,
    message: cut(report.message, 8_192),
    operation: cut(report.operation, 1_024),
    subject: cut(report.subject, 8_192),
    retryable: report.retryable,
    hint: cut(report.hint, 8_192),
  };
}

/** A peer's error on this side; a code that this version does not know becomes `Internal` and stands in the text. */
export function fromWireError(wire: WireError): ErrorReport {
  const { code } = wire;
  if (isErrorCode(code)) return { ...wire, code };
  return { ...wire, code: 'Internal', message: `${code}: ${wire.message}` };
}

export function toWireCapabilities(ours: Capabilities): WireCapabilities {
  return { ...ours, codecs: [...ours.codecs] };
}

/** What of a peer's capabilities this version understands. */
export function fromWireCapabilities(wire: WireCapabilities): Capabilities {
  return {
    ...wire,
    codecs: wire.codecs.filter(isCodec),
    stream_version_max: wire.stream_version_max >= 2 ? 2 : 1,
  };
}
