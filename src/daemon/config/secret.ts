import { readFileSync, statSync } from 'node:fs';
import { IcbdError } from '../../core/errors.js';

/** Shortest secret that is accepted, in bytes. */
const secret_bytes_min = 32;

/**
 * The secret that two nodes share.
 * @throws IcbdError `InvalidConfig` when the file cannot be read, is shorter than 32 bytes, or is readable by
 *   users other than its owner
 */
export function readSecret(file: string): Buffer {
  let secret: Buffer;
  try {
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new IcbdError('InvalidConfig', `${file} can be read by other users`, {
        operation: 'read secret',
        subject: file,
        hint: `chmod 600 ${file}`,
      });
    }
    secret = Buffer.from(readFileSync(file, 'utf8').trim());
  } catch (error) {
    if (error instanceof IcbdError) throw error;
    throw new IcbdError('InvalidConfig', `cannot read the secret: ${(error as Error).message}`, {
      operation: 'read secret',
      subject: file,
      hint: 'make one: head -c 32 /dev/urandom | base64 > FILE; chmod 600 FILE; the same on both nodes',
      cause: error,
    });
  }
  if (secret.length < secret_bytes_min) {
    throw new IcbdError('InvalidConfig', `the secret in ${file} is shorter than ${secret_bytes_min} bytes`, {
      operation: 'read secret',
      subject: file,
      hint: 'make one: head -c 32 /dev/urandom | base64 > FILE; the same on both nodes',
    });
  }
  return secret;
}
