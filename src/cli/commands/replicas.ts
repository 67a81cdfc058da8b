import type { Command } from 'commander';
import { parseCount } from '../arguments.js';
import { renderReplica, renderReplicaHistory, renderReplicas } from '../render/replicas.js';
import { type CliRun, openSession } from '../session.js';

interface HistoryOptions {
  readonly changes?: boolean;
  readonly limit?: number;
}

/** `replicas`, `replica show`, `replica history`. */
export function addReplicaCommands(program: Command, run: CliRun): void {
  program
    .command('replicas')
    .description('the replica nodes: there or not, since when and why, what runs and waits')
    .action(async (_options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.replicas.list(), renderReplicas);
    });

  const replica = program.command('replica').description('look at one replica node');
  replica
    .command('show')
    .description('all about one replica: its state and why, its link, its last answer')
    .argument('<replica>', 'its name or number')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.replicas.get(name), renderReplica);
    });
  replica
    .command('history')
    .description('what happened to one replica: when, why, from which state to which')
    .argument('<replica>', 'its name or number')
    .option('--changes', 'only where its state changed')
    .option('--limit <count>', 'at most so many, the newest (default and most: 1000)', parseCount)
    .action(async (name: string, { changes, limit }: HistoryOptions, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.replicas.history(name, { changes, limit }), renderReplicaHistory);
    });
}
