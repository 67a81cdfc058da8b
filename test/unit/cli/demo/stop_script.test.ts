import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ResultPromise, execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stopScript } from '../../../../src/cli/demo/stop_script.js';
import { startTimeOf } from '../../../../src/cli/demo/workspace.js';

let root: string;
let started: ResultPromise[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'icbdrep-stop-'));
});

afterEach(async () => {
  for (const child of started) child.kill('SIGKILL');
  await Promise.allSettled(started);
  started = [];
  rmSync(root, { recursive: true });
});

function makeDirectory(): { directory: string; script: string } {
  const directory = join(root, "it's a $(demo) dir");
  mkdirSync(join(directory, 'pids'), { recursive: true });
  const script = join(directory, 'stop.sh');
  writeFileSync(script, stopScript(directory));
  return { directory, script };
}

test('it stops the processes that it knows by pid and start time, and removes its directory', async () => {
  const { directory, script } = makeDirectory();
  const obedient = execa('sleep', ['60'], { reject: false });
  const deaf = execa('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'], {
    reject: false,
  });
  started.push(obedient, deaf);
  await new Promise((resolve) => {
    deaf.stdout.once('data', resolve);
  });
  for (const [name, { pid = 0 }] of Object.entries({ obedient, deaf })) {
    writeFileSync(join(directory, 'pids', name), `${pid} ${startTimeOf(pid)}\n`);
  }
  await execa('sh', [script]);
  expect((await obedient).signal).toBe('SIGTERM');
  expect((await deaf).signal).toBe('SIGKILL');
  expect(existsSync(directory)).toBe(false);
});

test('it leaves a process alone that only has the pid of one of its own', async () => {
  const { directory, script } = makeDirectory();
  const stranger = execa('sleep', ['60'], { reject: false });
  started.push(stranger);
  writeFileSync(join(directory, 'pids', 'daemon'), `${stranger.pid} 1\n`);
  await execa('sh', [script]);
  expect(existsSync(directory)).toBe(false);
  expect(readFileSync(`/proc/${stranger.pid}/cmdline`, 'utf8')).toContain('sleep');
});

test('it stops a daemon with a config of its own that was never noted down, and nobody who only reads that', async () => {
  const { directory, script } = makeDirectory();
  const config = join(directory, 'replica2', 'config.toml');
  const wait = ['-e', 'setInterval(() => {}, 1000)', '--'];
  const daemon = execa(process.execPath, [...wait, 'icbdrepd.js', '--config', config], { reject: false });
  const reader = execa(process.execPath, [...wait, 'editor', config], { reject: false });
  started.push(daemon, reader);
  await execa('sh', [script]);
  expect((await daemon).signal).toBe('SIGTERM');
  expect(existsSync(directory)).toBe(false);
  expect(readFileSync(`/proc/${reader.pid}/cmdline`, 'utf8')).toContain('editor');
});
