/** The files of a tunnel. */
import { access, constants, lstat, mkdir, stat } from 'node:fs/promises';
import { IcbdError } from '../../core/errors.js';

function unusable(file: string, message: string, hint: string, cause?: unknown): IcbdError {
  // What is wrong here stays so until an operator comes; then the next try finds it right.
  return new IcbdError('TunnelFailed', message, {
    operation: 'ssh tunnel',
    subject: file,
    hint,
    retryable: false,
    cause,
  });
}

async function checkReadable(file: string, what: string, hint: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    throw unusable(file, `cannot read the ${what}: ${(cause as Error).message}`, hint, cause);
  }
}

/** @throws IcbdError `TunnelFailed` for a key or known hosts that are missing, and a key that others can read */
export async function checkFiles(key_file: string, known_hosts_file: string): Promise<void> {
  await checkReadable(key_file, 'key', 'make one without a passphrase: ssh-keygen -t ed25519 -N "" -f FILE');
  const { mode } = await stat(key_file);
  if ((mode & 0o077) !== 0) {
    throw unusable(key_file, `${key_file} can be read by other users`, `chmod 600 ${key_file}`);
  }
  const hint = 'ssh-keyscan -p PORT HOST > FILE, and compare: host keys are always checked';
  await checkReadable(known_hosts_file, 'known hosts', hint);
}

/**
 * Makes a directory that only this user can enter, or finds that it is so.
 * @throws IcbdError `TunnelFailed` if it is somebody else's
 */
export async function claimDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const found = await lstat(directory);
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0) return;
  throw unusable(directory, `${directory} is not this user's alone`, `remove it, or use a shorter state_dir`);
}
