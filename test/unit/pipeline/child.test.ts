import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { IcbdError, type ErrorReport } from '../../../src/core/errors.js';
import {
  type Child,
  type ChildOptions,
  isSameProcess,
  killLeftover,
  startChild,
} from '../../../src/pipeline/child.js';
import { failureOfChild } from '../../../src/pipeline/child_failure.js';

const cancelled = (message: string): ErrorReport =>
  new IcbdError('Cancelled', message, { operation: 'test' }).toReport();

const started: Child[] = [];

function start(program: string, args: readonly string[], options: Partial<ChildOptions> = {}): Child {
  const child = startChild({ program, args, stdin: 'none', stdout: 'none', ...options });
  started.push(child);
  return child;
}

async function textOf(child: Child): Promise<string> {
  const parts: Buffer[] = [];
  for await (const block of child.stdout ?? []) parts.push(block);
  return Buffer.concat(parts).toString();
}

afterEach(async () => {
  for (const child of started.splice(0)) {
    child.stop(cancelled('test is over'));
    await child.finished;
  }
});

describe('startChild', () => {
  it('gives stdin to the child, and its stdout and exit code back', async () => {
    const child = start('sh', ['-c', 'cat; exit 3'], { stdin: 'pipe', stdout: 'pipe' });
    child.stdin?.end('some text');
    expect(await textOf(child)).toBe('some text');
    expect(await child.finished).toEqual({ exit_code: 3, signal: null, stderr_tail: '' });
  });

  it('runs it with LC_ALL=C, so that messages can be read', async () => {
    expect(await textOf(start('sh', ['-c', 'echo $LC_ALL'], { stdout: 'pipe' }))).toBe('C\n');
  });

  it('keeps the last 4 KiB of stderr', async () => {
    const script = 'i=0; while [ $i -lt 2000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 1';
    const child = start('sh', ['-c', script]);
    const end = await child.finished;
    expect(end.stderr_tail).toHaveLength(4096);
    expect(end.stderr_tail.endsWith('line 1999\n')).toBe(true);
    expect(failureOfChild(child, end)?.message).toBe('sh -c ended with exit code 1: line 1999');
  });

  it('says ProgramNotFound for a program that is not there, and starts nothing', () => {
    expect(() => start('icbdrep-no-such-program', [])).toThrowError(
      expect.objectContaining({ code: 'ProgramNotFound', subject: 'icbdrep-no-such-program' }),
    );
    expect(() => start('/dev/null', [])).toThrowError(expect.objectContaining({ code: 'ProgramNotFound' }));
  });

  it('reports pid and start time before it returns', () => {
    const seen: unknown[] = [];
    const child = start('sleep', ['600'], { onStarted: (pid, start_time) => seen.push([pid, start_time]) });
    expect(seen).toEqual([[child.pid, child.start_time]]);
    expect(isSameProcess(child.pid ?? 0, child.start_time)).toBe(true);
    expect(isSameProcess(child.pid ?? 0, '1')).toBe(false);
  });

  it('kills the child again if its start cannot be recorded', async () => {
    let pid = 0;
    let start_time = '';
    const onStarted = (its_pid: number, its_start_time: string) => {
      pid = its_pid;
      start_time = its_start_time;
      throw new Error('database is locked');
    };
    expect(() => start('sleep', ['600'], { onStarted })).toThrowError(/database is locked/);
    await expect.poll(() => isSameProcess(pid, start_time)).toBe(false);
  });

  it('survives a child that does not read its stdin', async () => {
    const child = start('sh', ['-c', 'exec <&-; exit 4'], { stdin: 'pipe' });
    child.stdin?.write(Buffer.alloc(4_000_000));
    expect((await child.finished).exit_code).toBe(4);
  });

  it('leaves no descriptor and no FIFO behind', async () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 10; round += 1) await textOf(start('true', [], { stdout: 'pipe' }));
    await expect.poll(() => readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before + 2);
  });
});

describe('stop', () => {
  it('kills, also a child that ignores SIGTERM, and the first reason counts', async () => {
    const child = start('sh', ['-c', 'trap "" TERM; echo on; while :; do sleep 1; done'], { stdout: 'pipe' });
    await child.stdout?.next();
    child.stop(cancelled('first'));
    child.stop(cancelled('second'));
    const end = await child.finished;
    expect(end).toMatchObject({ exit_code: null, signal: 'SIGKILL' });
    expect(child.stop_reason?.message).toBe('first');
    expect(failureOfChild(child, end)).toMatchObject({ code: 'Cancelled', message: 'first' });
  });

  it('is done by the signal, with what the signal says', async () => {
    const controller = new AbortController();
    const child = start('sleep', ['600'], { signal: controller.signal });
    controller.abort(new IcbdError('Stalled', 'no byte moved', { operation: 'test' }));
    expect(failureOfChild(child, await child.finished)).toMatchObject({ code: 'Stalled' });
    expect(() => start('sleep', ['600'], { signal: controller.signal })).toThrowError(/no byte moved/);
  });

  it('changes nothing after the end', async () => {
    const child = start('true', []);
    const end = await child.finished;
    child.stop(cancelled('too late'));
    expect(child.stop_reason).toBeUndefined();
    expect(failureOfChild(child, end)).toBeUndefined();
  });
});

describe('a child that outlives us', () => {
  const fixture = fileURLToPath(new URL('parent.fixture.ts', import.meta.url));

  it('does not: it dies with its parent, also when that is killed', async () => {
    expect(existsSync('/usr/bin/setpriv')).toBe(true);
    const parent = spawn(process.execPath, ['--import', 'tsx', fixture], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const [pid = '', start_time = ''] = line.toString().trim().split(' ');
      expect(isSameProcess(Number(pid), start_time)).toBe(true);
      parent.kill('SIGKILL');
      await expect.poll(() => isSameProcess(Number(pid), start_time), { timeout: 5_000 }).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('is killed by pid and start time, and nobody else is', async () => {
    const child = start('sleep', ['600']);
    const pid = child.pid ?? 0;
    expect(await killLeftover(pid, '12345')).toBe(false);
    expect(isSameProcess(pid, child.start_time)).toBe(true);
    expect(await killLeftover(pid, child.start_time)).toBe(true);
    expect((await child.finished).signal).toBe('SIGKILL');
    expect(await killLeftover(pid, child.start_time)).toBe(false);
  });
});
