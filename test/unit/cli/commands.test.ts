import { afterEach, expect, test } from 'vitest';
import { IcbdError, error_codes } from '../../../src/core/errors.js';
import { type Ran, fakeContext, run } from './fake_context.js';
import { type Answer, type FakeDaemon, startFakeDaemon } from './fake_daemon.js';
import {
  base_sample,
  completed,
  failed,
  half_done,
  history_sample,
  image_sample,
  replica_sample,
  sent_sample,
  snapshot_sample,
  stalled,
  status_sample,
} from './samples.js';

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.dispose();
  daemon = undefined;
});

async function ask(answer: Answer, ...argv: string[]): Promise<Ran & { requests: FakeDaemon['requests'] }> {
  daemon = await startFakeDaemon(answer);
  return { ...(await run(daemon.socket, argv)), requests: daemon.requests };
}

const send_body = { image: 'vm1', numbers: ['1', '2'], to: ['replica1', '2'], codec: 'lz4' };

/** Each command: its words, what the daemon is asked, what it answers, and what people read of it. */
const commands: readonly {
  readonly argv: string;
  readonly asks: readonly [method: string, path: string, body?: unknown];
  readonly answer: unknown;
  readonly shows: readonly string[];
}[] = [
  {
    argv: 'status',
    asks: ['GET', '/v1/status'],
    answer: status_sample,
    shows: ['master (master)', '1 of 2 online', '5.0 GiB free', '1 sending, 2 queued'],
  },
  {
    argv: 'replicas',
    asks: ['GET', '/v1/replicas'],
    answer: [replica_sample],
    shows: ['replica2', 'offline', 'never', 'it has not connected yet', 'none,lz4'],
  },
  {
    argv: 'images',
    asks: ['GET', '/v1/images'],
    answer: [image_sample],
    shows: ['vm1', 'present', '/srv/icbd/vm1'],
  },
  {
    argv: 'images --node replica1',
    asks: ['GET', '/v1/images?node=replica1'],
    answer: [],
    shows: ['no images'],
  },
  {
    argv: 'snapshots vm1 --node 2',
    asks: ['GET', '/v1/images/vm1/snapshots?node=2&needs=true'],
    answer: [{ ...snapshot_sample, needed_by: [base_sample, sent_sample] }],
    shows: [
      snapshot_sample.uuid,
      '/srv/icbd/vm1/3',
      'NEEDED BY',
      'replica1 (base), replica2 (sending 4-3fa9)',
    ],
  },
  {
    argv: 'image add vm1 --source /srv/icbd/vm1/run --codec zstd --create --node 1',
    asks: [
      'POST',
      '/v1/images',
      { name: 'vm1', source: '/srv/icbd/vm1/run', codec: 'zstd', create: true, node: '1' },
    ],
    answer: image_sample,
    shows: ['vm1'],
  },
  {
    argv: 'image remove vm1 --node replica1',
    asks: ['DELETE', '/v1/images/vm1?node=replica1'],
    answer: image_sample,
    shows: ['vm1'],
  },
  {
    argv: 'image show vm1 --node 2',
    asks: ['GET', '/v1/images/vm1?node=2'],
    answer: { ...image_sample, last: snapshot_sample, needs: [base_sample, sent_sample] },
    shows: [
      '/srv/icbd/vm1/live',
      '3, made ',
      '3 is the base of the next increment (replica1), since ',
      '3 is sent by transfer 4-3fa9 (replica2), since ',
    ],
  },
  {
    argv: 'image show vm1',
    asks: ['GET', '/v1/images/vm1'],
    answer: { ...image_sample, state: 'missing', source: '', error: stalled, last: null, needs: [] },
    shows: ['missing', 'none on this node', 'no byte moved for 120 s [Stalled]', stalled.hint],
  },
  {
    argv: 'image rescan vm1 --node replica1',
    asks: ['POST', '/v1/images/vm1/rescan', { node: 'replica1' }],
    answer: image_sample,
    shows: ['vm1', 'present'],
  },
  {
    argv: 'snapshot show vm1 3 --node 2',
    asks: ['GET', '/v1/images/vm1/snapshots/3?node=2'],
    answer: snapshot_sample,
    shows: ['vm1/3', '/srv/icbd/vm1/3', 'mount point'],
  },
  {
    argv: 'snapshot last vm1',
    asks: ['GET', '/v1/images/vm1/last'],
    answer: snapshot_sample,
    shows: ['/srv/icbd/vm1/3'],
  },
  {
    argv: 'snapshot add vm1 8 --node 2',
    asks: ['POST', '/v1/images/vm1/snapshots/8/add', { node: '2' }],
    answer: snapshot_sample,
    shows: ['/srv/icbd/vm1/3'],
  },
  {
    argv: 'snapshot add vm1 release-1 --from /srv/icbd/vm1/work',
    asks: ['POST', '/v1/images/vm1/snapshots/release-1/add', { from: '/srv/icbd/vm1/work' }],
    answer: snapshot_sample,
    shows: ['/srv/icbd/vm1/3'],
  },
  {
    argv: 'snapshot delete vm1 3 --force --node 2',
    asks: ['DELETE', '/v1/images/vm1/snapshots/3?node=2&force=true'],
    answer: snapshot_sample,
    shows: ['/srv/icbd/vm1/3'],
  },
  {
    argv: 'snapshot create vm1',
    asks: ['POST', '/v1/images/vm1/snapshots', {}],
    answer: snapshot_sample,
    shows: ['/srv/icbd/vm1/3'],
  },
  {
    argv: 'snapshot create vm1 7 --node 2',
    asks: ['POST', '/v1/images/vm1/snapshots', { number: '7', node: '2' }],
    answer: snapshot_sample,
    shows: ['/srv/icbd/vm1/3'],
  },
  {
    argv: 'snapshot delete vm1 3',
    asks: ['DELETE', '/v1/images/vm1/snapshots/3'],
    answer: snapshot_sample,
    shows: ['/srv/icbd/vm1/3'],
  },
  {
    argv: 'send vm1 1 2 --to replica1,2 --codec lz4',
    asks: ['POST', '/v1/transfers', send_body],
    answer: [half_done],
    shows: ['4f2a9c', 'sending', '50.0 MiB of 100.0 MiB', 'ETA 5 s'],
  },
  {
    argv: 'send vm1 1 2 --to replica1,2 --codec lz4 --ssh',
    asks: ['POST', '/v1/transfers', { ...send_body, ssh: true }],
    answer: [half_done],
    shows: ['4f2a9c'],
  },
  {
    argv: 'send vm1 1,2 --to replica1 --to 2 --codec lz4',
    asks: ['POST', '/v1/transfers', send_body],
    answer: [half_done],
    shows: ['4f2a9c'],
  },
  {
    argv: 'transfers --state failed,resting --state sending --image vm1 --replica replica1 --limit 5',
    asks: ['GET', '/v1/transfers?image=vm1&replica=replica1&limit=5&states=failed%2Cresting%2Csending'],
    answer: [failed, completed],
    shows: ['77aa', 'failed', 'no byte moved for 120 s [Stalled]', '100.0 MiB'],
  },
  {
    argv: 'transfer show 4f2a',
    asks: ['GET', '/v1/transfers/4f2a'],
    answer: half_done,
    shows: ['snapshot vm1/3 from hub to replica1', 'the stream runs from btrfs send to the replica', 'next'],
  },
  {
    argv: 'transfer history 4f2a',
    asks: ['GET', '/v1/transfers/4f2a/history'],
    answer: history_sample,
    shows: ['attempt 2', 'planning -> queued', 'operator root'],
  },
  {
    argv: 'transfer cancel 4f2a',
    asks: ['POST', '/v1/transfers/4f2a/cancel'],
    answer: { ...half_done, state: 'cancelling' },
    shows: ['it is cancelled when the replica has cleaned up'],
  },
];

test.each(commands)('$argv', async ({ argv, asks, answer, shows }) => {
  const text = await ask(() => answer, ...argv.split(' '));
  const [method, path, body] = asks;
  expect(text.requests).toEqual([{ method, path, body }]);
  expect(text).toMatchObject({ code: 0, err: '' });
  for (const part of shows) expect(text.out).toContain(part);
  await daemon?.dispose();

  const json = await ask(() => answer, ...argv.split(' '), '--json');
  expect(json.requests).toEqual([{ method, path, body }]);
  expect(json).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(json.out)).toEqual(answer);
});

test.each([
  ['ReplicaNotFound', 10],
  ['ImageAlreadyExists', 11],
  ['SnapshotInUse', 12],
  ['ReplicaOffline', 13],
  ['InvalidArgument', 2],
  ['Internal', 1],
] as const)('an answer of %s ends with exit code %i, and stdout stays empty', async (code, exit_code) => {
  expect(error_codes[code].exit_code).toBe(exit_code);
  const error = new IcbdError(code, 'it is \u001b[31mso', {
    operation: 'send',
    subject: 'vm1',
    hint: 'do that',
  });
  const text = await ask(() => error, 'send', 'vm1', '1', '--to', 'all');
  expect(text).toMatchObject({ code: exit_code, out: '' });
  expect(text.err).toBe(`icbdrep: it is \\x1b[31mso [${code}]\nhint: do that\n`);
  await daemon?.dispose();

  const json = await ask(() => error, 'send', 'vm1', '1', '--to', 'all', '--json');
  expect(json).toMatchObject({ code: exit_code, out: '' });
  expect(JSON.parse(json.err)).toEqual({ error: error.toReport() });
  expect(json.err.trimEnd()).not.toContain('\n');
});

test('without a daemon the exit code is 15, and the hint says what to do', async () => {
  const text = await run('/nonexistent/control.sock', ['status']);
  expect(text).toMatchObject({ code: 15, out: '' });
  expect(text.err).toBe(
    'icbdrep: no daemon listens on /nonexistent/control.sock [DaemonNotRunning]\n' +
      'hint: start icbdrepd, or name the right socket with --socket or ICBDREP_SOCKET\n',
  );
});

test('the socket may come from the environment; JSON may be asked for before the command', async () => {
  daemon = await startFakeDaemon(() => status_sample);
  const { runCli } = await import('../../../src/cli/program.js');
  const context = fakeContext({ env: { ICBDREP_SOCKET: daemon.socket } });
  expect(await runCli(['--json', 'status'], context)).toBe(0);
  expect(JSON.parse(context.printed.out)).toEqual(status_sample);
});

test.each([
  ['no command of this name', ['stats'], "unknown command 'stats' (Did you mean status?)", 'icbdrep --help'],
  ['no option of this name', ['status', '--foo'], "unknown option '--foo'", 'icbdrep status --help'],
  ['a missing argument', ['snapshots'], "missing required argument 'image'", 'icbdrep snapshots --help'],
  ['one argument too many', ['status', 'x'], 'too many arguments', 'icbdrep status --help'],
  ['an option without its value', ['images', '--node'], 'argument missing', 'icbdrep images --help'],
  ['no replica to send to', ['send', 'vm1', '1'], "'--to <replica>' not specified", 'icbdrep send --help'],
  [
    'a subcommand that is not there',
    ['transfer', 'look', '4f'],
    "unknown command 'look'",
    'icbdrep transfer --help',
  ],
  [
    'a codec that is none',
    ['send', 'vm1', '1', '--to', 'all', '--codec', 'gz'],
    '"gz" is no codec',
    'snappy lz4',
  ],
  ['a state that is none', ['transfers', '--state', 'busy'], 'state "busy"', 'states: queued planning'],
  ['a time that is none', ['transfers', '--since', 'monday'], '"monday" is no time', '2h'],
  ['a count that is none', ['transfers', '--limit', '0'], '"0" is no count', 'whole number'],
  ['an id that is none', ['transfer', 'show', '../images'], "is no transfer's id", 'icbdrep transfers'],
  ['an image outside of its place', ['snapshots', '..'], 'starts with "."', 'one path component'],
  ['a snapshot that is a path', ['snapshot', 'delete', 'vm1', 'a/b'], 'contains "/"', 'one path component'],
  ['an empty list', ['send', 'vm1', '1', '--to', ','], 'the list is empty', 'at least one'],
  ['JSON of the demo', ['demo', '--json'], 'has no --json', 'leave --json out'],
] as const)('%s is a usage error', async (_name, argv, message, hint) => {
  const asked = await ask(() => [], ...argv);
  expect(asked).toMatchObject({ code: 2, out: '', requests: [] });
  // With --json the whole error is one JSON value.
  const report = argv.includes('--json' as never)
    ? (JSON.parse(asked.err) as { error: Record<string, string> }).error
    : { message: asked.err.split('\n')[0], hint: asked.err.split('\n')[1], code: 'InvalidArgument' };
  expect(report['message']).toContain(message);
  expect(report['hint']).toContain(hint);
  expect(report['code']).toBe('InvalidArgument');
});

test('a usage error with --json is JSON on stderr', async () => {
  const { code, out, err } = await ask(() => [], 'send', '--json');
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(JSON.parse(err)).toMatchObject({
    error: { code: 'InvalidArgument', hint: 'see icbdrep send --help' },
  });
});

test('help and version are answers: on stdout, with exit code 0; no command is a usage error', async () => {
  const help = await run('/none', ['--help']);
  expect(help).toMatchObject({ code: 0, err: '' });
  for (const words of [
    'image add NAME',
    'send IMAGE NUMBER...',
    'transfer history ID',
    'demo',
    'Examples:',
  ]) {
    expect(help.out).toContain(words);
  }
  const of_command = await run('/none', ['send', '--help']);
  expect(of_command).toMatchObject({ code: 0, err: '' });
  expect(of_command.out).toContain('--to <replica>');
  expect(of_command.out).toContain('--json');
  expect(await run('/none', ['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' });

  const nothing = await run('/none', []);
  expect(nothing).toMatchObject({ code: 2, out: '' });
  expect(nothing.err).toContain('Usage: icbdrep');
});
