import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { ControlClient } from '../client/control_client.js';
import { type CliContext, viewOf } from './context.js';
import type { View } from './render/view.js';

/** One run of the program. */
export interface CliRun {
  readonly context: CliContext;
  /** What the process ends with. */
  exit_code: number;
}

export interface GlobalOptions {
  readonly socket?: string;
  readonly json?: boolean;
}

const master_socket = '/run/icbdrep/master.sock';
const replica_socket = '/run/icbdrep/replica.sock';

/** Path of the socket to talk to: the option, the environment, the master's, or the replica's if only that exists. */
export function chooseSocket(
  option: string | undefined,
  env: CliContext['env'],
  exists: (path: string) => boolean = existsSync,
): string {
  if (option !== undefined && option !== '') return option;
  const from_env = env['ICBDREP_SOCKET'] ?? '';
  if (from_env !== '') return from_env;
  return !exists(master_socket) && exists(replica_socket) ? replica_socket : master_socket;
}

/** What a command works with: the daemon, and where its answer goes. */
export interface Session {
  readonly client: ControlClient;
  readonly context: CliContext;
  readonly is_json: boolean;
  /** Prints the answer on stdout: as one JSON value, or for people. */
  answer<T>(value: T, render: (value: T, view: View) => string): void;
}

export function openSession({ context }: CliRun, command: Command): Session {
  const { socket, json } = command.optsWithGlobals<GlobalOptions>();
  const is_json = json === true;
  return {
    client: new ControlClient(chooseSocket(socket, context.env)),
    context,
    is_json,
    answer: (value, render) => {
      const text = is_json
        ? `${JSON.stringify(value, null, 2)}\n`
        : render(value, viewOf(context, context.stdout));
      context.stdout.write(text);
    },
  };
}
