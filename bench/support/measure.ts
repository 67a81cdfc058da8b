/** Time, processor seconds and memory of work that runs in other processes. */
import { readFileSync } from 'node:fs';

/** Ticks of /proc/PID/stat in a second; fixed by the kernel's interface. */
const ticks_per_s = 100;

export interface Sample {
  readonly wall_s: number;
  /** Of the processes that did the work, user and system. */
  readonly cpu_s: number;
  /** Largest resident memory of one process, by its role, MB. */
  readonly peak_mb: Readonly<Record<string, number>>;
  /** Further times within the work, seconds. */
  readonly parts_s: Readonly<Record<string, number>>;
}

function statFields(pid: number | 'self'): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

/** Processor seconds that a process has used, with the children it has waited for. */
export function processorSeconds(pid: number | 'self'): number {
  // Fields 14 to 17 of /proc/PID/stat: utime, stime, cutime, cstime.
  const [user = 0, system = 0, child_user = 0, child_system = 0] = statFields(pid).slice(11, 15);
  return (user + system + child_user + child_system) / ticks_per_s;
}

/** Of the children only, those of `process` that have ended. */
export function childrenSeconds(): number {
  const [child_user = 0, child_system = 0] = statFields('self').slice(13, 15);
  return (child_user + child_system) / ticks_per_s;
}

/** The most resident memory that a process has had, MB; 0 if it is gone. */
export function peakMb(pid: number): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
