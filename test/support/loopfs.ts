/**
 * Real btrfs on loop devices for tests, with nothing left behind. What to fill it with is in image_tree.ts.
 *
 * A filesystem is removed by `dispose`, at the latest when the process exits or is told to stop; those of a
 * process that was killed outright are removed by the next process that makes one.
 */
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

export interface LoopFsOptions {
  /** btrfs needs at least about 110. */
  readonly size_mb: number;
  /** For example `compress=zstd:1`. */
  readonly mount_options?: string;
  /** Where the backing file lies: `tmpfs` (the default) is fast, `disk` is for durability. */
  readonly on?: 'tmpfs' | 'disk';
}

export interface LoopFs {
  readonly mountpoint: string;
  /** The file that holds the filesystem. */
  readonly backing_file: string;
  /** The device it is mounted from, for example `/dev/loop3`. */
  readonly device: string;
  /** Unmounts and removes it; may be called again. */
  dispose(): Promise<void>;
}

const directory_prefix = 'icbdrep-loopfs-';
const backing_file_name = 'btrfs.img';
const mountpoint_name = 'mnt';
/** Directories of the filesystems that this process has made and not yet removed. */
const live = new Set<string>();
let prepared = false;

/**
 * Makes a btrfs on a loop device and mounts it.
 * @throws Error with one line that says what is missing, if this is not root or btrfs is not installed
 */
export async function makeLoopFs(options: LoopFsOptions): Promise<LoopFs> {
  checkMachine();
  prepareProcess();
  const directory = mkdtempSync(join(parentOf(options.on ?? 'tmpfs'), `${directory_prefix}${ownerMark()}-`));
  live.add(directory);
  const backing_file = join(directory, backing_file_name);
  const mountpoint = join(directory, mountpoint_name);
  try {
    await writeFile(backing_file, '');
    await truncate(backing_file, options.size_mb * 1024 * 1024);
    await execa('mkfs.btrfs', ['--quiet', backing_file]);
    mkdirSync(mountpoint);
    const mount_options = ['loop', options.mount_options ?? ''].filter((option) => option !== '').join(',');
    await execa('mount', ['-t', 'btrfs', '-o', mount_options, backing_file, mountpoint]);
    const device = (await execa('findmnt', ['-n', '-o', 'SOURCE', '--mountpoint', mountpoint])).stdout.trim();
    return { mountpoint, backing_file, device, dispose: () => dispose(directory) };
  } catch (error) {
    await dispose(directory);
    throw error;
  }
}

async function dispose(directory: string): Promise<void> {
  if (!live.has(directory)) return;
  const mountpoint = join(directory, mountpoint_name);
  // A process that has just ended may still hold the mount point for a moment.
  for (let attempt = 0; attempt < 30 && isMounted(mountpoint); attempt += 1) {
    const { exitCode } = await execa('umount', [mountpoint], { reject: false });
    if (exitCode !== 0) await sleep(100);
  }
  if (isMounted(mountpoint)) await execa('umount', ['--lazy', mountpoint], { reject: false });
  detachLoops(join(directory, backing_file_name));
  if (!isMounted(mountpoint)) await rm(directory, { recursive: true, force: true });
  live.delete(directory);
}

/** The same without waiting, for the end of the process and for what a killed one has left. */
function disposeNow(directory: string): void {
  const mountpoint = join(directory, mountpoint_name);
  if (isMounted(mountpoint)) runQuietly('umount', ['--lazy', mountpoint]);
  detachLoops(join(directory, backing_file_name));
  // Never remove through a mount that is still there.
  if (!isMounted(mountpoint)) rmSync(directory, { recursive: true, force: true });
  live.delete(directory);
}

function detachLoops(backing_file: string): void {
  if (!existsSync(backing_file)) return;
  for (const line of runQuietly('losetup', ['--associated', backing_file]).split('\n')) {
    const device = line.split(':')[0];
    if (device?.startsWith('/dev/loop')) runQuietly('losetup', ['--detach', device]);
  }
}

function isMounted(mountpoint: string): boolean {
  const escaped = mountpoint.replaceAll(' ', '\\040');
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[1] === escaped);
}

function runQuietly(program: string, args: readonly string[]): string {
  const options: ExecFileSyncOptions = { stdio: ['ignore', 'pipe', 'ignore'] };
  try {
    return execFileSync(program, args, options).toString();
  } catch {
    return '';
  }
}

function isInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(join(directory, program)));
}

function checkMachine(): void {
  if (process.getuid?.() !== 0) {
    throw new Error('this test needs root: it mounts btrfs on a loop device; run it with sudo');
  }
  for (const program of ['mkfs.btrfs', 'btrfs']) {
    if (!isInPath(program)) {
      throw new Error(`this test needs btrfs, and ${program} is not installed: apt-get install btrfs-progs`);
    }
  }
  if (!/\bbtrfs$/m.test(readFileSync('/proc/filesystems', 'utf8'))) runQuietly('modprobe', ['btrfs']);
  if (!/\bbtrfs$/m.test(readFileSync('/proc/filesystems', 'utf8'))) {
    throw new Error('this test needs btrfs, and the kernel of this machine does not have it');
  }
}

function parentOf(on: 'tmpfs' | 'disk'): string {
  if (on === 'tmpfs' && existsSync('/dev/shm')) return '/dev/shm';
  // os.tmpdir() may itself be a tmpfs; /var/tmp is not.
  return on === 'disk' && existsSync('/var/tmp') ? '/var/tmp' : tmpdir();
}

function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22; the second field is in parentheses and may hold spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Names this process; a later one with the same pid has another start time. */
function ownerMark(): string {
  return `${process.pid}-${startTimeOf(process.pid)}`;
}

function disposeAll(): void {
  for (const directory of live) disposeNow(directory);
}

function prepareProcess(): void {
  if (prepared) return;
  prepared = true;
  for (const parent of new Set([parentOf('tmpfs'), parentOf('disk')])) {
    for (const name of readdirSync(parent)) {
      const [, pid, start_time] = /^icbdrep-loopfs-(\d+)-(\d+)-/.exec(name) ?? [];
      if (pid === undefined || startTimeOf(Number(pid)) === start_time) continue;
      disposeNow(join(parent, name));
    }
  }
  process.once('exit', disposeAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      disposeAll();
      process.kill(process.pid, signal);
    });
  }
}
