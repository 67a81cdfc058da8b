import type { Command } from 'commander';
import { type FleetChoice, chooseFromFleet, renderFleet } from '../render/fleet.js';
import { type CliRun, openSession } from '../session.js';

/** `fleet`. */
export function addFleetCommand(program: Command, run: CliRun): void {
  program
    .command('fleet')
    .description('which replica has what of each image: in sync, behind by how much, in transfer, failed')
    .option('--image <image>', 'only this image')
    .option('--replica <replica>', 'only this replica, by name or number')
    .option('--behind', 'only what is not in sync')
    .action(async (choice: FleetChoice, command: Command) => {
      const session = openSession(run, command);
      session.answer(chooseFromFleet(await session.client.fleet.report(), choice), renderFleet);
    });
}
