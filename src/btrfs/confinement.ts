/**
 * Confines programs that write what others have sent: no symlink is followed, no device is opened, nothing is run.
 *
 * `btrfs receive` opens files by their paths, and what a path leads through may be a symlink of the parent snapshot,
 * which the stream says nothing of. So it runs in a mount namespace of its own, in which the filesystem is mounted with
 * `nosymfollow,nodev,nosuid,noexec`. That is the whole mount and not a bind of the directory: `btrfs receive` looks
 * for parents by their paths from the filesystem's root. The namespace sees all other mounts as well; where they are
 * shared, as systemd has them, it lets go of what is unmounted outside, else when the process ends. Needs Linux 5.10 and a util-linux of that time or later.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { IcbdError } from '../core/errors.js';
import { findProgram } from '../pipeline/program.js';
import { systemError } from './btrfs_errors.js';
import { type RunProgram, runProgram } from './run_program.js';

const operation = 'confine';
const flags = ['nosymfollow', 'nodev', 'nosuid', 'noexec'] as const;
/** Only this mount's flags: those of the filesystem and of its other mounts stay. */
const mount_options = `remount,bind,${flags.join(',')}`;
/** $1 mount, $2 options, $3 mount point; what follows is run. mount must not read what is meant for that. */
const script = '"$1" -o "$2" -- "$3" </dev/null && shift 3 && exec "$@"';
const check_timeout_ms = 10_000;

export interface MountLine {
  readonly mount_id: number;
  readonly mount_point: string;
  /** Of this mount, for example `nodev`; not those of the filesystem. */
  readonly options: readonly string[];
}

/** The lines of /proc/PID/mountinfo, read as latin1; see proc_pid_mountinfo(5). */
export function parseMountinfo(text: string): MountLine[] {
  return text.split('\n').flatMap((line) => {
    const [id, , , , escaped, options] = line.split(' ');
    if (id === undefined || escaped === undefined || options === undefined) return [];
    // Space, tab, line break and backslash are written as \ooo; names are bytes.
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const mount_point = Buffer.from(point, 'latin1').toString();
    return [{ mount_id: Number(id), mount_point, options: options.split(',') }];
  });
}

/** The mount that a directory lies on; the kernel tells which, by an open descriptor. */
function findMount(directory: string): MountLine {
  let fd: number | undefined;
  try {
    fd = openSync(directory, 'r');
    const mount_id = Number(/^mnt_id:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]);
    const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'latin1'));
    const found = mounts.find((mount) => mount.mount_id === mount_id);
    if (found !== undefined) return found;
  } catch (error) {
    throw systemError(operation, directory, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  throw new IcbdError('BtrfsPathNotFound', `the mount of ${directory} is not in /proc/self/mountinfo`, {
    operation,
    subject: directory,
    hint: 'is the daemon in a chroot? "findmnt -T PATH" tells what it can see',
  });
}

function need(program: string): string {
  const path = findProgram(program);
  if (path !== undefined) return path;
  throw new IcbdError('ProgramNotFound', `${program} is not installed`, {
    operation,
    subject: program,
    hint: 'install util-linux, and see that its programs are in PATH',
  });
}

/**
 * A command line that runs the one behind it with the filesystem of `directory` confined; see `ChildOptions.wrapper`.
 * The paths that follow must have no symlinks in them: `realpath`.
 * @param directory that lies on the filesystem
 * @throws IcbdError `ProgramNotFound`, `BtrfsPathNotFound`, and what the system says of the directory
 */
export function confinedTo(directory: string): readonly string[] {
  const { mount_point } = findMount(directory);
  const namespace = [need('unshare'), '--mount', '--propagation', 'slave', '--'];
  return [...namespace, need('sh'), '-c', script, 'sh', need('mount'), mount_options, mount_point];
}

/** Why confinement is not possible here; undefined if it is. */
export async function whyNotConfined(
  directory: string,
  run: RunProgram = runProgram,
): Promise<string | undefined> {
  try {
    const path = await realpath(directory);
    const [program = '', ...args] = confinedTo(path);
    // Old ones ignore an option that they do not know.
    const tried = await run(program, [...args, need('cat'), '/proc/self/mountinfo'], {
      timeout_ms: check_timeout_ms,
    });
    if (tried.exit_code !== 0)
      return tried.stderr.trim().split('\n').at(-1) || `exit code ${tried.exit_code}`;
    const { mount_point } = findMount(path);
    const shown = Buffer.from(tried.stdout).toString('latin1');
    const seen = parseMountinfo(shown).findLast((mount) => mount.mount_point === mount_point);
    const missing = flags.filter((flag) => seen?.options.includes(flag) !== true);
    return missing.length === 0 ? undefined : `the kernel does not mount with ${missing.join(', ')}`;
  } catch (error) {
    return IcbdError.from(error, operation, directory).message;
  }
}
