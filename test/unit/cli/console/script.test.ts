import { Readable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { readLines } from '../../../../src/cli/console/script.js';
import { runCli } from '../../../../src/cli/program.js';
import { IcbdError } from '../../../../src/core/errors.js';
import { fakeContext } from '../fake_context.js';
import { type Answer, type FakeDaemon, startFakeDaemon } from '../fake_daemon.js';
import { half_done, image_sample } from '../samples.js';

let daemon: FakeDaemon | undefined;
afterEach(async () => {
  await daemon?.dispose();
  daemon = undefined;
});

const not_found = new IcbdError('ImageNotFound', 'there is no image nope', {
  operation: 'fake',
  hint: 'look',
});
const answer: Answer = ({ path }) => (path.includes('nope') ? not_found : [image_sample]);

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What the daemon was asked, without its beginning. */
  readonly asked: readonly string[];
}

async function runConsole(input: Iterable<string>, ...args: string[]): Promise<Ran> {
  daemon = await startFakeDaemon(answer);
  const context = fakeContext();
  const stream = Readable.from([...input].map((text) => Buffer.from(text)));
  const openInput = () => ({ stream, terminal: null });
  const code = await runCli(['console', '--socket', daemon.socket, ...args], { ...context, openInput });
  return { code, ...context.printed, asked: daemon.requests.map(({ path }) => path.replace('/v1/', '')) };
}

const collect = async (chunks: readonly (string | Buffer)[]): Promise<string[]> => {
  const lines: string[] = [];
  for await (const line of readLines(Readable.from(chunks.map((chunk) => Buffer.from(chunk))))) {
    await nextTurn();
    lines.push(line);
  }
  return lines;
};

test('lines in pieces, with and without their ends, and characters cut in two', async () => {
  const umlaut = Buffer.from('ü');
  expect(await collect(['a\nb', 'c\r\n', '\n', 'last'])).toEqual(['a', 'bc', '', 'last']);
  expect(await collect([umlaut.subarray(0, 1), umlaut.subarray(1), '\n'])).toEqual(['ü']);
  const many = Array.from({ length: 2_000 }, (_, index) => `line ${index}`);
  expect(await collect([`${many.join('\n')}\n`])).toEqual(many);
  await expect(collect(['x'.repeat(1024 * 1024 + 1)])).rejects.toMatchObject({ code: 'InvalidArgument' });
});

test('every line is run, in order, also those that come all at once and the last without its end', async () => {
  const images = Array.from({ length: 30 }, (_, index) => `vm${index}`);
  const { code, err, asked } = await runConsole([images.map((name) => `snapshots ${name}`).join('\n')]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(asked).toEqual(images.map((name) => `images/${name}/snapshots?needs=true`));
});

test('the first line that fails ends it, with its exit code and its number', async () => {
  const { code, err, asked } = await runConsole(['images\n# fine\n\nsnapshots nope\n', 'images\n']);
  expect(code).toBe(10);
  expect(err).toBe('icbdrep: there is no image nope [ImageNotFound]\nhint: look\nline 4: snapshots nope\n');
  expect(asked).toEqual(['images', 'images/nope/snapshots?needs=true']);
});

test('with --keep-going all are run, and the first failure is the exit code', async () => {
  const { code, err, asked } = await runConsole(['snapshots nope\nunknown\nimages\n'], '--keep-going');
  expect(code).toBe(10);
  expect(err).toContain('line 1: snapshots nope\n');
  expect(err).toContain('line 2: unknown\n');
  expect(asked).toEqual(['images/nope/snapshots?needs=true', 'images']);
});

test('commands of the command line leave standard input alone', async () => {
  const { code, asked } = await runConsole(
    ['snapshots nope\n'],
    '-c',
    'images',
    '--execute',
    "snapshots 'a b'",
  );
  expect(code).toBe(0);
  expect(asked).toEqual(['images', 'images/a%20b/snapshots?needs=true']);
  await daemon?.dispose();
  const second = await runConsole([], '-c', 'images', '-c', 'snapshots nope', '-c', 'images');
  expect(second.code).toBe(10);
  expect(second.err).toContain('command 2: snapshots nope\n');
});

test('--json of the console holds for every line; errors and the failed line are JSON too', async () => {
  const { code, out, err } = await runConsole(['images\nsnapshots nope\n'], '--json');
  expect(code).toBe(10);
  expect(JSON.parse(out)).toEqual([image_sample]);
  const [error, failure] = err
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(error).toMatchObject({ error: { code: 'ImageNotFound' } });
  expect(failure).toEqual({ failed: { line: 2, command: 'snapshots nope', exit_code: 10 } });
  await daemon?.dispose();
  const mixed = await runConsole(['images --json\nimages\n']);
  expect(mixed.out).toMatch(/^\[\n[\s\S]*\]\n.*NAME/);
});

test.each([
  ['say "x', /^icbdrep: a quote is not closed: " \[InvalidArgument\]\nhint: .*\nline 1: say "x\n$/],
  ['console', /this is a console already/],
  ['icbdrep console', /this is a console already/],
  ['stream inspect -', /standard input is where the console reads its commands/],
  ['stream receive /tmp', /standard input is where the console reads its commands/],
  ['help nonsense', /there is no command \\?"nonsense\\?"/],
  ['exit now', /too many arguments/],
])('%j is refused', async (line, message) => {
  const { code, err } = await runConsole([`${line}\n`]);
  expect(code).toBe(2);
  expect(err).toMatch(message);
});

test('exit ends it; the name of the program before a command is no harm', async () => {
  const { code, asked } = await runConsole(['icbdrep images\nquit\nimages\n']);
  expect({ code, asked }).toEqual({ code: 0, asked: ['images'] });
});

test('help lists all, and tells of one', async () => {
  const { out } = await runConsole(['?\nhelp transfer show\n']);
  expect(out).toContain('snapshot create IMAGE [NUMBER]');
  expect(out).toContain('leave the console');
  expect(out).toContain('Usage: icbdrep transfer show [options] <id>');
});

test('Ctrl-C ends what waits, and the script with it, even if it keeps going', async () => {
  const fake = await startFakeDaemon(({ method }) => (method === 'POST' ? [half_done] : half_done));
  daemon = fake;
  const context = fakeContext();
  const stream = Readable.from([Buffer.from('send vm1 1 --to all --wait\nimages\n')]);
  const openInput = () => ({ stream, terminal: null });
  const args = ['console', '--keep-going', '--socket', fake.socket];
  const running = runCli(args, { ...context, openInput });
  while (!fake.requests.some(({ method }) => method === 'GET')) await sleep(5);
  context.interrupt();
  expect(await running).toBe(130);
  expect(context.printed.err).toContain('waits no longer');
  expect(fake.requests.every(({ path }) => path.startsWith('/v1/transfers'))).toBe(true);
  expect(context.caught()).toBe(0);
});
