/**
 * The two datagrams by which a name server is found on the local network, as JSON.
 *
 *   asker -> broadcast     who is a name server? a nonce, and padding
 *   name server -> asker   the nonce, its node name, the port of its links
 *
 * An answer proves nothing and holds no secret and no host: the asker takes the address that it came from, and
 * believes it only after the handshake of a link. It is never longer than the request, so that a forged sender
 * gains nothing by asking.
 */
import { z } from 'zod';

export const discovery_version = 1;
/** Length of our requests, in bytes: room for an answer with the longest node name, and one Ethernet frame. */
export const request_bytes = 1_024;
/** Shorter requests are not answered. */
export const request_bytes_min = 512;
/** Longer datagrams are not looked at. */
export const datagram_bytes_max = 1_472;

const nonce = z.string().regex(/^[0-9a-f]{32}$/);

const request_schema = z.strictObject({
  icbdrep: z.literal('find name server'),
  version: z.literal(discovery_version),
  nonce,
  padding: z.string(),
});

const answer_schema = z.strictObject({
  icbdrep: z.literal('name server'),
  version: z.literal(discovery_version),
  nonce,
  node: z.string().min(1).max(255),
  port: z.int().min(1).max(65_535),
  tls: z.boolean(),
});

/** What a name server says of itself. */
export interface DiscoveryAnswer {
  /** Of the request that it answers: 32 hex digits. */
  readonly nonce: string;
  /** Name of its node, not proven. */
  readonly node: string;
  /** Of its links; the host is where the answer came from. */
  readonly port: number;
  /** Whether its links are wss. */
  readonly tls: boolean;
}

function decode<T>(schema: z.ZodType<T>, datagram: Buffer): T | undefined {
  if (datagram.length > datagram_bytes_max) return undefined;
  try {
    return schema.safeParse(JSON.parse(datagram.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** @param nonce_text 32 hex digits that nobody can guess */
export function encodeRequest(nonce_text: string): Buffer {
  const request = { icbdrep: 'find name server', version: discovery_version, nonce: nonce_text, padding: '' };
  const bare_bytes = Buffer.byteLength(JSON.stringify(request));
  return Buffer.from(JSON.stringify({ ...request, padding: ' '.repeat(request_bytes - bare_bytes) }));
}

/** The nonce of a request; undefined for whatever is none of this version, or is too short to be answered. */
export function decodeRequest(datagram: Buffer): string | undefined {
  if (datagram.length < request_bytes_min) return undefined;
  return decode(request_schema, datagram)?.nonce;
}

export function encodeAnswer({ nonce: nonce_text, node, port, tls }: DiscoveryAnswer): Buffer {
  const answer = { icbdrep: 'name server', version: discovery_version, nonce: nonce_text, node, port, tls };
  return Buffer.from(JSON.stringify(answer));
}

/** An answer; undefined for whatever is none of this version. */
export function decodeAnswer(datagram: Buffer): DiscoveryAnswer | undefined {
  const answer = decode(answer_schema, datagram);
  if (answer === undefined) return undefined;
  return { nonce: answer.nonce, node: answer.node, port: answer.port, tls: answer.tls };
}
