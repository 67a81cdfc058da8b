import { release } from 'node:os';
import type { Capabilities } from '../core/codecs.js';
import { btrfsError } from './btrfs_errors.js';
import { type RunProgram, runProgram } from './run_program.js';

/** `6.2` from `btrfs-progs v6.2`. */
const version_pattern = /\bv(\d+(?:\.\d+)*)/;

/** Version 2 came with Linux 6.0; its receiver lost data silently before btrfs-progs 6.2. */
const version_2_needs = { kernel: [6, 0], btrfs_progs: [6, 2] } as const;

/** Whether `version` (for example `6.18.44-generic`) is at least major.minor. */
function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [found_major = 0, found_minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return found_major > major || (found_major === major && found_minor >= minor);
}

/**
 * What this machine's btrfs can do; the codecs are another's to tell.
 * @param kernel this machine's release by default
 * @throws IcbdError `ProgramNotFound`, `BtrfsFailed`
 */
export async function readCapabilities(
  run: RunProgram = runProgram,
  kernel: string = release(),
): Promise<Omit<Capabilities, 'codecs'>> {
  const result = await run('btrfs', ['--version'], {});
  const btrfs_progs = version_pattern.exec(result.stdout)?.[1];
  if (result.exit_code !== 0 || btrfs_progs === undefined)
    throw btrfsError('btrfs --version', 'btrfs', result);
  const has_version_2 =
    isAtLeast(kernel, version_2_needs.kernel) && isAtLeast(btrfs_progs, version_2_needs.btrfs_progs);
  return { stream_version_max: has_version_2 ? 2 : 1, btrfs_progs, kernel };
}
