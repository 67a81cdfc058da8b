/** The demo as its user runs it: a process of its own, and nothing of it left behind. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ResultPromise, execa } from 'execa';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const program = join(repository, 'dist/cli/icbdrep.js');

/** What a demo is told to use as the directory for temporary files; all of it must lie there. */
let temporary: string;
let running: ResultPromise[] = [];

beforeAll(() => {
  if (!existsSync(program)) throw new Error(`${program} is not there: npm run build`);
});

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'icbdrep-demo-test-'));
});

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.allSettled(running);
  running = [];
  for (const name of readdirSync(temporary)) {
    await execa('sh', [join(temporary, name, 'stop.sh')], { reject: false });
  }
  await rm(temporary, { recursive: true, force: true });
});

function startDemo(...options: string[]) {
  const child = execa(process.execPath, [program, 'demo', ...options], {
    reject: false,
    all: true,
    env: { TMPDIR: temporary },
  });
  running.push(child);
  return child;
}

/** Waits until the demo has printed `text`. */
function untilPrinted(child: ReturnType<typeof startDemo>, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.all.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes(text)) resolve();
    });
    child.all.on('end', () =>
      reject(new Error(`the demo ended without ${JSON.stringify(text)}:\n${printed}`)),
    );
  });
}

/** Processes that have the demo's directory in their command line. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(temporary) ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
}

/** Mounts, loop devices, processes and files of demos, one line each. */
async function leftBehind(): Promise<string[]> {
  const { stdout: loops } = await execa('losetup', ['--list', '--noheadings', '--output', 'NAME,BACK-FILE']);
  const mounts = readFileSync('/proc/self/mounts', 'utf8');
  const devices = [...loops.split('\n'), ...mounts.split('\n')].filter((line) => line.includes(temporary));
  return [...devices, ...processes(), ...readdirSync(temporary)];
}

/**
 * The same, when that has had its time: a `btrfs receive` of another test that runs now sees all mounts of the moment
 * it was started in, and holds their devices until it ends.
 */
async function leftForGood(): Promise<string[]> {
  for (let waited_ms = 0; waited_ms < 40_000; waited_ms += 250) {
    if ((await leftBehind()).length === 0) return [];
    await sleep(250);
  }
  return leftBehind();
}

test('it replicates through a crash, proves the copies equal, and leaves nothing', async () => {
  const { exitCode, stdout, stderr } = await startDemo();
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/kill -9 \d+, the daemon of replica2, at [\d.]+ MiB of [\d.]+ MiB, \d+ %/);
  expect(stdout).toMatch(
    /attempt 1[^]*sending -> disconnected[^]*disconnected -> sending[^]*goes on at [^]*confirming -> completed/,
  );
  expect(stdout).toMatch(
    /the replica had [\d.]+ MiB of [\d.]+ MiB on its disk: only the rest was sent again/,
  );
  expect(stdout).toMatch(/all [68] copies are equal to their sources, byte for byte/);
  expect(stdout.match(/ EQUAL$/gm)?.length).toBeGreaterThanOrEqual(6);
  expect(stdout).not.toContain('DIFFERENT');
  expect(await leftForGood()).toEqual([]);
});

test('Ctrl-C in the middle of a transfer: it cleans up and ends with 130', async () => {
  const demo = startDemo();
  await untilPrinted(demo, 'sending');
  expect((await leftBehind()).length).toBeGreaterThan(6);
  demo.kill('SIGINT');
  const { exitCode, all } = await demo;
  expect(exitCode).toBe(130);
  expect(all).toContain('SIGINT: cleans up');
  expect(await leftForGood()).toEqual([]);
});

test('when nobody reads what it tells, it cleans up, and does not say that all is well', async () => {
  const demo = startDemo();
  await untilPrinted(demo, 'dials the master');
  demo.stdout.destroy();
  const { exitCode } = await demo;
  expect(exitCode).toBe(141);
  expect(await leftForGood()).toEqual([]);
});

test('when its time is over it fails and cleans up', async () => {
  const { exitCode, stderr } = await startDemo('--timeout', '1');
  expect(exitCode).toBe(13);
  expect(stderr).toContain('the demo was not finished after 1.0 s [TimedOut]');
  expect(await leftForGood()).toEqual([]);
});

test('what a killed demo left is removed by the next', async () => {
  const killed = startDemo();
  // One daemon may just have been started, and not been noted down.
  await untilPrinted(killed, 'dials the master');
  killed.kill('SIGKILL');
  await killed;
  expect((await leftBehind()).length).toBeGreaterThan(6);
  const next = await startDemo('--timeout', '1');
  expect(next.stdout).toContain('removed what 1 killed demo had left');
  expect(await leftForGood()).toEqual([]);
});

test('--keep leaves it running after its process, until its stop script ends it', async () => {
  const demo = startDemo('--keep', '--timeout', '2');
  const { stdout } = await demo;
  const [, stop_script = ''] = /remove all of it: {2}sh '(.*)'/.exec(stdout) ?? [];
  expect(existsSync(stop_script)).toBe(true);
  await sleep(500);
  expect((await leftBehind()).length).toBeGreaterThan(3);
  await execa('sh', [stop_script]);
  expect(await leftForGood()).toEqual([]);
});
