/** What must hold when all faults are over. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { TransferReport } from '../../src/core/report.js';
import { compareTrees } from '../support/compare_trees.js';
import type { Fleet, FleetNode } from '../support/fleet.js';
import { checkHistory } from '../support/history_check.js';
import { btrfsProcesses } from '../support/processes.js';

const numbersIn = (node: FleetNode, image: string): string[] =>
  readdirSync(path.join(node.fs.mountpoint, image)).filter((name) => name !== 'live');

function failedTransfers(transfers: readonly TransferReport[]): string[] {
  return transfers
    .filter(({ state }) => state !== 'completed')
    .map(({ id, image, number, replica, state, last_error }) => {
      const why = last_error === null ? '' : `: ${last_error.code}: ${last_error.message}`;
      return `transfer ${id} (${image}/${number} to ${replica}) is ${state}${why}`;
    });
}

async function compareReplica(fleet: Fleet, replica: FleetNode, image: string): Promise<string[]> {
  const [ours, theirs] = [numbersIn(fleet.master, image), numbersIn(replica, image)];
  if (ours.join(' ') !== theirs.join(' ')) {
    return [`${replica.name} has ${image}/{${theirs.join(',')}}, the master {${ours.join(',')}}`];
  }
  const problems: string[] = [];
  for (const number of ours) {
    const differences = await compareTrees(
      fleet.master.snapshotPath(image, number),
      replica.snapshotPath(image, number),
    );
    problems.push(...differences.map((line) => `${replica.name} ${image}/${number}: ${line}`));
  }
  return problems;
}

/**
 * Stops the fleet's daemons and looks at everything they leave.
 * @returns one line for each thing that is not as it must be
 */
export async function judge(
  fleet: Fleet,
  images: readonly string[],
  transfers: readonly TransferReport[],
): Promise<string[]> {
  const problems = failedTransfers(transfers);
  for (const node of fleet.nodes) {
    const { parked } = await node.client.status();
    problems.push(
      ...parked.map(({ kind, id, reason }) => `${node.name}: ${kind}/${id} is parked: ${reason}`),
    );
    const exit_code = await node.stop();
    if (exit_code !== 0) problems.push(`${node.name} ended with ${exit_code}`);
    problems.push(...checkHistory(node.database_file).map((line) => `${node.name}: ${line}`));
  }
  const left = await btrfsProcesses(fleet.nodes.map(({ fs }) => fs.mountpoint));
  problems.push(...left.map(({ pid, command }) => `left behind: ${pid} ${command}`));
  for (const replica of fleet.replicas) {
    for (const image of images) problems.push(...(await compareReplica(fleet, replica, image)));
  }
  return problems;
}
