import type { Command } from 'commander';
import { type DaemonChoice, chooseDaemon } from '../client/choose_daemon.js';
import { ControlClient } from '../client/control_client.js';
import { type CliContext, viewOf } from './context.js';
import type { View } from './render/view.js';

/** One run of the program. */
export interface CliRun {
  readonly context: CliContext;
  /** What the process ends with. */
  exit_code: number;
}

export interface GlobalOptions extends DaemonChoice {
  readonly json?: boolean;
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
  const { json, ...choice } = command.optsWithGlobals<GlobalOptions>();
  const is_json = json === true;
  return {
    client: new ControlClient(chooseDaemon(choice, context.env)),
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
