/** Processes of btrfs that daemons have started. */
import { execa } from 'execa';
import { until } from './fleet.js';

export interface BtrfsProcess {
  readonly pid: number;
  readonly command: string;
}

/** Those that send from, or receive into, one of these directories now. */
export async function btrfsProcesses(
  mountpoints: readonly string[],
  verb: 'send' | 'receive' | 'send|receive' = 'send|receive',
): Promise<BtrfsProcess[]> {
  const { stdout } = await execa('ps', ['-eo', 'pid=,args=']);
  const pattern = new RegExp(`^\\s*(\\d+) (\\S*btrfs (?:${verb}) .*)$`);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, command = ''] = pattern.exec(line) ?? [];
    if (pid === undefined || !mountpoints.some((point) => command.includes(point))) return [];
    return [{ pid: Number(pid), command }];
  });
}

/** Waits for exactly one such process. */
export async function theBtrfsProcess(mountpoint: string, verb: 'send' | 'receive'): Promise<BtrfsProcess> {
  let found: BtrfsProcess[] = [];
  await until(
    async () => {
      found = await btrfsProcesses([mountpoint], verb);
      return found.length === 1;
    },
    () => `one btrfs ${verb} on ${mountpoint}, found ${JSON.stringify(found)}`,
  );
  return found[0] as BtrfsProcess;
}
