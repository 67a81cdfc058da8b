import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { IcbdError } from '../../core/errors.js';
import { formatBytes } from '../render/units.js';

/** What the demo writes, all filesystems together, with room to spare. */
const needed_bytes = 2_500 * 1024 * 1024;

const programs: Readonly<Record<string, string>> = {
  btrfs: 'btrfs-progs',
  'mkfs.btrfs': 'btrfs-progs',
  mount: 'mount',
  umount: 'mount',
  mountpoint: 'util-linux',
  losetup: 'mount',
};

function isInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(join(directory, program)));
}

function knowsBtrfs(): boolean {
  return /\bbtrfs$/m.test(readFileSync('/proc/filesystems', 'utf8'));
}

function missing(
  code: 'NotPermitted' | 'ProgramNotFound' | 'NoSpace',
  message: string,
  hint: string,
): IcbdError {
  return new IcbdError(code, message, { operation: 'demo', subject: 'this machine', hint });
}

/**
 * Makes sure that the demo can run here.
 * @throws IcbdError `NotPermitted`, `ProgramNotFound` or `NoSpace`
 */
export async function checkMachine(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw missing('NotPermitted', 'the demo mounts filesystems: it needs root', 'run it with sudo');
  }
  for (const [program, debian_package] of Object.entries(programs)) {
    if (isInPath(program)) continue;
    throw missing('ProgramNotFound', `${program} is not installed`, `apt-get install ${debian_package}`);
  }
  if (!knowsBtrfs()) await execa('modprobe', ['btrfs'], { reject: false });
  if (!knowsBtrfs()) {
    throw missing('ProgramNotFound', 'the kernel of this machine has no btrfs', 'use a kernel that has');
  }
  const { bavail, bsize } = await statfs(tmpdir());
  if (bavail * bsize < needed_bytes) {
    const free = formatBytes(bavail * bsize);
    const hint = 'free some, or set TMPDIR to a directory that has more';
    throw missing(
      'NoSpace',
      `${tmpdir()} has ${free} free, the demo needs ${formatBytes(needed_bytes)}`,
      hint,
    );
  }
}
