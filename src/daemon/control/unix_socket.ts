import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { IcbdError } from '../../core/errors.js';

function isListening(socket_path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socket_path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function claimSocket(socket_path: string): Promise<void> {
  mkdirSync(path.dirname(socket_path), { recursive: true });
  if (await isListening(socket_path)) {
    throw new IcbdError('AlreadyRunning', `another daemon listens on ${socket_path}`, {
      operation: 'listen',
      subject: socket_path,
      hint: 'stop it, or give this one another control.socket',
    });
  }
  rmSync(socket_path, { force: true });
}

/**
 * Lets a server listen on a unix socket that only its user can open.
 * @throws IcbdError `AlreadyRunning` when somebody listens there
 */
export async function listenOnSocket(server: Server, socket_path: string): Promise<void> {
  await claimSocket(socket_path);
  const old_mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket_path, resolve);
    });
  } catch (error) {
    throw IcbdError.from(error, 'listen', socket_path);
  } finally {
    process.umask(old_mask);
  }
  chmodSync(socket_path, 0o600);
}
