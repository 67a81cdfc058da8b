/** Short ways to say what most platform tests do: send, wait, compare. */
import type { TransferReport } from '../../src/core/report.js';
import { type Fleet, until } from './fleet.js';
import { compareTrees } from './compare_trees.js';

/** Sends one snapshot to one replica; returns the transfer as it is at first. */
export async function send(fleet: Fleet, image: string, number: string, to = 'r1'): Promise<TransferReport> {
  const [transfer] = await fleet.master.client.transfers.send({ image, numbers: [number], to: [to] });
  if (transfer === undefined) throw new Error('no transfer');
  return transfer;
}

/** Waits until a transfer is as `holds` says; returns it so. */
export async function untilTransfer(
  fleet: Fleet,
  id: string,
  holds: (transfer: TransferReport) => boolean,
  timeout_ms = 60_000,
): Promise<TransferReport> {
  let last: TransferReport | undefined;
  await until(
    async () => {
      last = await fleet.master.client.transfers.get(id).catch(() => undefined);
      return last !== undefined && holds(last);
    },
    () => `transfer ${id}, now ${JSON.stringify(last)}\n${fleet.master.logTail()}`,
    timeout_ms,
  );
  if (last === undefined) throw new Error('no transfer');
  return last;
}

export const isSettled = ({ settled }: TransferReport): boolean => settled;

/** How the first replica's copies differ from the master's snapshots; none if they are identical. */
export async function differences(
  fleet: Fleet,
  image: string,
  numbers: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  for (const number of numbers) {
    const [original, copy] = [fleet.master, fleet.replica(0)].map((node) => node.snapshotPath(image, number));
    found.push(...(await compareTrees(original ?? '', copy ?? '')));
  }
  return found;
}
