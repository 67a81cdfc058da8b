import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IcbdError } from '../../core/errors.js';
import { stopScript } from './stop_script.js';

/** The directory of one demo: nothing of it lies anywhere else. */
export interface Workspace {
  readonly directory: string;
  /** Ends all and removes all, as `removeWorkspace` does. */
  readonly stop_script: string;
}

const directory_prefix = 'icbdrep-demo-';
const stop_script_name = 'stop.sh';
/** A file of this name says that the demo is to stay after its process. */
const keep_name = 'keep';
/** A clean-up that takes longer hangs. */
const removal_timeout_ms = 45_000;

/** When a process was started, in ticks since boot: with its pid it names one process for ever. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22; the second is in parentheses and may hold spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Makes the directory and its stop script. */
export function makeWorkspace(): Workspace {
  const owner = `${process.pid}-${startTimeOf(process.pid) ?? ''}`;
  const directory = mkdtempSync(join(tmpdir(), `${directory_prefix}${owner}-`));
  mkdirSync(join(directory, 'pids'));
  const stop_script = join(directory, stop_script_name);
  writeFileSync(stop_script, stopScript(directory), { mode: 0o700 });
  return { directory, stop_script };
}

/** Notes a daemon, so that the stop script finds it. */
export function notePid(workspace: Workspace, name: string, pid: number): void {
  writeFileSync(join(workspace.directory, 'pids', name), `${pid} ${startTimeOf(pid) ?? 'gone'}\n`);
}

/** From now on the demo outlives its process. */
export function keepWorkspace(workspace: Workspace): void {
  writeFileSync(join(workspace.directory, keep_name), '');
}

/**
 * Stops the daemons, unmounts, and removes all.
 * @throws IcbdError `ProcessFailed` if something could not be removed
 */
export async function removeWorkspace({ directory, stop_script }: Workspace): Promise<void> {
  if (!existsSync(directory)) return;
  // In its own session: a second Ctrl-C must not end it half-way.
  const child = spawn('sh', [stop_script], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const timer = setTimeout(() => child.kill('SIGKILL'), removal_timeout_ms);
  const exit_code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  clearTimeout(timer);
  if (exit_code === 0) return;
  throw new IcbdError(
    'ProcessFailed',
    `the demo could not be removed: ${Buffer.concat(errors).toString().trim()}`,
    {
      operation: 'remove the demo',
      subject: directory,
      hint: `try again: sh ${stop_script}`,
    },
  );
}

/** The same without giving way, for the very end of the process. */
export function removeWorkspaceNow({ directory, stop_script }: Workspace): void {
  if (existsSync(directory)) spawnSync('sh', [stop_script], { stdio: 'ignore', timeout: removal_timeout_ms });
}

/**
 * Removes what demos have left that were killed outright.
 * @returns how many there were
 */
export async function removeLeftovers(): Promise<number> {
  let removed = 0;
  for (const name of readdirSync(tmpdir())) {
    const [, pid, start_time] = /^icbdrep-demo-(\d+)-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || startTimeOf(Number(pid)) === start_time) continue;
    const directory = join(tmpdir(), name);
    const stop_script = join(directory, stop_script_name);
    if (existsSync(join(directory, keep_name)) || !existsSync(stop_script)) continue;
    await removeWorkspace({ directory, stop_script });
    removed += 1;
  }
  return removed;
}
