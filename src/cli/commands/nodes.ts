import type { Command } from 'commander';
import { renderStatus } from '../render/status.js';
import { type CliRun, openSession } from '../session.js';

/** `status`. */
export function addNodeCommands(program: Command, run: CliRun): void {
  program
    .command('status')
    .description('the daemon at a glance: node, links, disk, how many transfers are in each state')
    .action(async (_options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.status(), renderStatus);
    });
}
