/** How a node proves that it knows the secret, without telling it. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { IcbdError } from '../core/errors.js';
import { protocol_version } from '../core/limits.js';
import type { Purpose, WireCapabilities } from './messages.js';

export const secret_bytes_min = 16;
export const nonce_bytes = 32;

/** All that two ends of a link must agree on. A proof is good for nothing but this. */
export interface Transcript {
  readonly purpose: Purpose;
  readonly server_node: string;
  readonly server_instance: string;
  readonly server_nonce: string;
  readonly client_node: string;
  readonly client_instance: string;
  readonly client_nonce: string;
}

export type Role = 'server' | 'client';

function fieldsOf(role: Role, transcript: Transcript, capabilities: WireCapabilities): string[] {
  const { purpose } = transcript;
  const session = purpose.kind === 'data' ? [purpose.transfer, String(purpose.attempt)] : ['', ''];
  return [
    'icbdrep link proof',
    String(protocol_version),
    role,
    purpose.kind,
    ...session,
    transcript.server_node,
    transcript.server_instance,
    transcript.server_nonce,
    transcript.client_node,
    transcript.client_instance,
    transcript.client_nonce,
    capabilities.codecs.join(','),
    String(capabilities.stream_version_max),
    capabilities.btrfs_progs,
    capabilities.kernel,
  ];
}

/**
 * HMAC-SHA256 over the transcript, 64 hex digits.
 * Each field has its length in front, so that no two transcripts give the same bytes; the role is a field, so
 * that a proof cannot be sent back to whom it came from.
 *
 * @param role whose proof it is
 * @param capabilities those of the node whose proof it is
 */
export function prove(
  secret: Buffer,
  role: Role,
  transcript: Transcript,
  capabilities: WireCapabilities,
): string {
  const hmac = createHmac('sha256', secret);
  for (const field of fieldsOf(role, transcript, capabilities)) {
    const bytes = Buffer.from(field);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hmac.update(length).update(bytes);
  }
  return hmac.digest('hex');
}

/** Whether `proof` is `expected`, in a time that does not depend on where they differ. */
export function isSameProof(proof: string, expected: string): boolean {
  const a = Buffer.from(proof, 'hex');
  const b = Buffer.from(expected, 'hex');
  return a.length === b.length && timingSafeEqual(a, b);
}

/** @throws IcbdError `InvalidConfig` for a secret that could be guessed by its length alone */
export function checkSecret(secret: Buffer, node: string): void {
  if (secret.length >= secret_bytes_min) return;
  throw new IcbdError(
    'InvalidConfig',
    `the secret of ${node} is shorter than ${String(secret_bytes_min)} bytes`,
    {
      operation: 'read secret',
      subject: node,
      hint: `make one: head -c 32 /dev/urandom | base64`,
    },
  );
}
