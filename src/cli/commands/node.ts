import type { Command } from 'commander';
import { IcbdError } from '../../core/errors.js';
import { pause } from '../context.js';
import { renderNode, renderPing, renderShutdown } from '../render/node.js';
import { type CliRun, type Session, openSession } from '../session.js';

/** Time between two looks whether it has stopped, ms. */
const look_interval_ms = 500;

interface ShutdownOptions {
  readonly finish?: boolean;
  readonly yes?: boolean;
  readonly wait?: boolean;
}

const node_argument = [
  '[node]',
  'name or number of the node; the master is 0 (default: the one that is asked)',
] as const;

/** @throws IcbdError `InvalidArgument` if nobody can be asked */
async function mayStop({ context }: Session, node: string): Promise<boolean> {
  const answer = await context.ask(`stop the daemon of ${node}? [y/N] `);
  if (answer !== null) return /^y(es)?$/i.test(answer.trim());
  throw new IcbdError('InvalidArgument', 'there is no terminal to ask on', {
    operation: 'shutdown',
    subject: node,
    hint: 'give --yes to stop it unasked',
  });
}

async function hasStopped({ client }: Session, node: string | undefined, pid: number): Promise<boolean> {
  try {
    return (await client.nodes.get({ node })).pid !== pid;
  } catch (error) {
    if (!(error instanceof IcbdError)) throw error;
    return ['DaemonNotRunning', 'ReplicaOffline', 'LinkLost'].includes(error.code);
  }
}

async function waitForStop(session: Session, node: string | undefined, pid: number): Promise<void> {
  const { context } = session;
  const interrupt = context.catchInterrupt();
  try {
    while (!interrupt.signal.aborted && !(await hasStopped(session, node, pid))) {
      await pause(context.clock, look_interval_ms, interrupt.signal);
    }
  } finally {
    interrupt.release();
  }
}

/** `node show`, `ping`, `shutdown`. */
export function addSelfCommands(program: Command, run: CliRun): void {
  program
    .command('node')
    .description('one node by itself')
    .command('show')
    .description('name, number, role, data address and the like of a node')
    .argument(...node_argument)
    .action(async (node: string | undefined, _options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.nodes.get({ node }), renderNode);
    });
  program
    .command('ping')
    .description("ask a node's daemon for a sign of life")
    .argument(...node_argument)
    .action(async (node: string | undefined, _options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.nodes.ping({ node }), renderPing);
    });
  program
    .command('shutdown')
    .description('stop a daemon in order: what it received is kept, and goes on when it is started again')
    .argument(...node_argument)
    .option('--finish', 'let what runs come to its end first; nothing new begins')
    .option('--wait', 'wait until it has stopped')
    .option('--yes', 'do not ask')
    .action(async (node: string | undefined, options: ShutdownOptions, command: Command) => {
      const session = openSession(run, command);
      const { client } = session;
      const before = await client.nodes.get({ node });
      if (options.yes !== true && !(await mayStop(session, before.name))) return;
      const mode = options.finish === true ? 'finish' : 'checkpoint';
      const report = await client.nodes.shutdown({ node, mode });
      session.answer(report, renderShutdown);
      if (options.wait === true) await waitForStop(session, node, before.pid);
    });
}
