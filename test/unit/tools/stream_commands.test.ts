/** `icbdrep stream inspect` and `verify` as a user calls them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StreamHash } from '../../../src/pipeline/hash.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import { type FakeContextOptions, type Ran, run } from '../cli/fake_context.js';
import { encodeCommand } from '../stream/any_command.js';
import {
  end_command,
  sample_clone_uuid,
  sample_uuid,
  snapshotCommand,
  subvolCommand,
  writeDataCommand,
} from '../stream/sample_stream.js';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'icbdrep-stream-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const chmod = encodeCommand({ command: 'chmod', path: Buffer.alloc(0), mode: 0o755n });
const utimes = encodeCommand({
  command: 'utimes',
  path: Buffer.from('caf\xe9\u001b[31m', 'latin1'),
  atime: { seconds: 1n, nanoseconds: 5 },
  mtime: { seconds: -1n, nanoseconds: 0 },
  ctime: { seconds: 2n ** 62n, nanoseconds: 999_999_999 },
});
const far_truncate = encodeCommand({ command: 'truncate', path: Buffer.from('disk.img'), size: 2n ** 60n });
const xattr = encodeCommand({
  command: 'set_xattr',
  path: Buffer.from('disk.img'),
  xattr_name: Buffer.from('user.a'),
  xattr_data: Buffer.from([0, 0x41]),
});
const write = writeDataCommand('disk.img', Buffer.alloc(5_000, 1), 2);
const full = [subvolCommand('vm1', 2), chmod, utimes, far_truncate, xattr, write];
const incremental = [snapshotCommand('vm1-2', 2), write];
const full_stream = Buffer.concat([writeStreamHeader(2), ...full, end_command]);
const incremental_stream = Buffer.concat([writeStreamHeader(2), ...incremental, end_command]);

function hashOf(bytes: Buffer): string {
  const hash = new StreamHash();
  hash.update(bytes);
  return hash.digest();
}

function fileOf(bytes: Buffer): string {
  const file = join(directory, `stream-${hashOf(bytes)}`);
  writeFileSync(file, bytes);
  return file;
}

/** Runs `icbdrep stream ACTION FILE OPTION...` on these bytes. */
async function stream(action: string, bytes: Buffer, ...options: string[]): Promise<Ran> {
  return await run('/none', ['stream', action, fileOf(bytes), ...options]);
}

test('inspect lists commands with their offsets, and no name acts on the terminal', async () => {
  const { code, out, err } = await stream('inspect', full_stream);
  expect([code, err]).toEqual([0, '']);
  expect(out).not.toMatch(/[^\n\x20-\x7e]/);
  const lines = out.trimEnd().split('\n');
  expect(lines[0]).toMatch(new RegExp(`^ +17  subvol        vm1 uuid=${sample_uuid} ctransid=42$`));
  expect(lines[1]).toMatch(/^ +\d+  chmod         \. mode=0755$/);
  expect(lines[2]).toContain(
    String.raw`utimes        caf\xe9\x1b[31m atime=1.000000005 mtime=-1.000000000 ctime=4611686018427387904.999999999`,
  );
  expect(lines[3]).toContain('disk.img size=1152921504606846976');
  expect(lines[4]).toContain(String.raw`xattr_name=user.a xattr_data=\x00A`);
  expect(lines[5]).toContain('disk.img file_offset=4096 data_bytes=5000');
  expect(lines[6]).toMatch(new RegExp(`^ +${full_stream.length - 10}  end$`));
});

test('inspect --json gives a line of JSON for each command, whose offsets and lengths are those of the file', async () => {
  const { out } = await stream('inspect', full_stream, '--json');
  const shown = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  let offset_bytes = 17;
  for (const [index, bytes] of [...full, end_command].entries()) {
    expect(shown[index]).toMatchObject({ offset_bytes, length_bytes: bytes.length });
    offset_bytes += bytes.length;
  }
  expect(shown[1]).toEqual({ offset_bytes: 66, length_bytes: 26, command: 'chmod', path: '', mode: '0755' });
  expect(shown[3]).toMatchObject({ command: 'truncate', size: '1152921504606846976' });
  expect(shown.at(-1)).toEqual({ offset_bytes: full_stream.length - 10, length_bytes: 10, command: 'end' });
});

test('inspect --summary counts by command and by path', async () => {
  const text = await stream('inspect', full_stream, '--summary');
  expect(text.out).toMatch(/^write +1 +4\.9 KiB$/m);
  expect(text.out).toMatch(/^all +7 +5\.2 KiB$/m);
  expect(text.out).toMatch(/^ +3 +5\.0 KiB +disk\.img$/m);
  const json = await stream('inspect', full_stream, '--summary', '--json');
  const summary = JSON.parse(json.out) as Record<string, unknown>;
  expect(summary).toMatchObject({ stream_bytes: full_stream.length, commands: 7 });
  expect(summary['by_command']).toContainEqual({ command: 'write', commands: 1, bytes: write.length });
  expect(summary['by_path']).toContainEqual({
    path: 'disk.img',
    commands: 3,
    bytes: write.length + far_truncate.length + xattr.length,
  });
});

test('inspect gives what comes before a fault, and then the fault', async () => {
  const { code, out, err } = await stream('inspect', full_stream.subarray(0, -30));
  expect(code).toBe(1);
  expect(out.split('\n').length).toBe(full.length);
  expect(err).toMatch(/the stream is cut off after \d+ bytes, in the command at byte \d+.* \[CorruptData\]/);
});

test('the summary is small, however many paths there are', async () => {
  const many = Array.from({ length: 100_010 }, (_, index) =>
    encodeCommand({ command: 'mkfile', path: Buffer.from(`f${index}`), ino: 257n }),
  );
  const bytes = Buffer.concat([writeStreamHeader(2), subvolCommand('vm1', 2), ...many, end_command]);
  const { out } = await stream('inspect', bytes, '--summary', '--json');
  const summary = JSON.parse(out) as { by_path: unknown[]; other_paths: { commands: number } };
  expect([summary.by_path.length, summary.other_paths.commands]).toEqual([100_000, 11]);
  const text = await stream('inspect', bytes, '--summary');
  expect(text.out).toContain('and 99980 more paths with fewer bytes, and those of which too many');
});

test('verify proves each subvolume, with the hash that transfers compare', async () => {
  const { code, out, err } = await stream('verify', full_stream);
  expect([code, err]).toEqual([0, '']);
  const size = `7 commands, ${full_stream.length} bytes`;
  expect(out).toBe(`vm1  ${sample_uuid}  full, version 2, ${size}, xxh3 ${hashOf(full_stream)}\n`);
  const both = Buffer.concat([full_stream, incremental_stream]);
  const { out: json } = await stream('verify', both, '--json');
  expect(JSON.parse(json)).toEqual([
    {
      name: 'vm1',
      uuid: sample_uuid,
      kind: 'full',
      parent_uuid: '',
      stream_version: 2,
      offset_bytes: 0,
      stream_bytes: full_stream.length,
      commands: 7,
      stream_xxh3: hashOf(full_stream),
    },
    expect.objectContaining({
      name: 'vm1-2',
      kind: 'incremental',
      parent_uuid: sample_clone_uuid,
      offset_bytes: full_stream.length,
      stream_xxh3: hashOf(incremental_stream),
    }),
  ]);
});

test('two subvolumes in one stream share its header', async () => {
  const bytes = Buffer.concat([writeStreamHeader(2), ...full, ...incremental, end_command]);
  const { out } = await stream('verify', bytes, '--json');
  const [first, second] = JSON.parse(out) as { offset_bytes: number; stream_bytes: number }[];
  expect(first).toMatchObject({ offset_bytes: 0, stream_bytes: Buffer.concat(full).length + 17 });
  expect(second).toMatchObject({
    offset_bytes: first?.stream_bytes,
    stream_bytes: bytes.length - (first?.stream_bytes ?? 0),
  });
});

test('verify says of the first fault where it is, in which command, and ends with 1', async () => {
  const flipped = Buffer.from(full_stream);
  const write_at = full_stream.indexOf(write);
  flipped[write_at + 100] = 0xff;
  const no_path = encodeCommand({ command: 'end' });
  no_path.writeUInt16LE(3, 4);
  const faults: [bytes: Buffer, message: string][] = [
    [flipped, `the write command at byte ${write_at} has a wrong CRC [CorruptData]`],
    [full_stream.subarray(0, -10), 'between two commands after a write command: its END command is missing'],
    [full_stream.subarray(0, -11), `in the command at byte ${write_at}: its END command is missing`],
    [
      Buffer.concat([writeStreamHeader(2), write]),
      'the write command at byte 17: a stream starts with SUBVOL',
    ],
    [Buffer.concat([writeStreamHeader(1), end_command]), 'the end command at byte 17: a stream starts with'],
    [Buffer.from('no stream at all, but long enough'), 'the magic is missing'],
    [Buffer.alloc(0), 'the stream is cut off after 0 bytes, in its header'],
  ];
  for (const [bytes, message] of faults) {
    const { code, err } = await stream('verify', bytes);
    expect(err).toContain(message);
    expect(code).toBe(1);
  }
  const { out, err } = await stream('verify', Buffer.concat([full_stream, flipped]), '--json');
  expect(out).toBe('');
  const fault_at = full_stream.length + write_at;
  expect(JSON.parse(err)).toMatchObject({
    error: { code: 'CorruptData', message: `the write command at byte ${fault_at} has a wrong CRC` },
  });
});

test('verify --firewall refuses what must not be received', async () => {
  const firewall = ['--firewall', 'vm1'];
  expect(await stream('verify', full_stream, ...firewall)).toMatchObject({ code: 0, err: '' });
  expect(await stream('verify', full_stream, ...firewall, '--uuid', sample_uuid)).toMatchObject({ code: 0 });
  const other = await stream('verify', full_stream, ...firewall, '--uuid', sample_clone_uuid);
  expect(other).toMatchObject({ code: 1, out: '' });
  expect(other.err).toContain(`it carries ${sample_uuid}, not ${sample_clone_uuid} [StreamRefused]`);
  const named = await stream('verify', incremental_stream, '--firewall', 'vm1-2');
  expect(named.err).toContain(`it is based on ${sample_clone_uuid}, which is not among`);
  const sources = ['--source', sample_clone_uuid.toUpperCase()];
  expect(await stream('verify', incremental_stream, '--firewall', 'vm1-2', ...sources)).toMatchObject({
    code: 0,
  });
  const escape = encodeCommand({ command: 'mkfile', path: Buffer.from('../escaped'), ino: 257n });
  const hostile = Buffer.concat([writeStreamHeader(2), subvolCommand('vm1', 2), escape, end_command]);
  expect(await stream('verify', hostile)).toMatchObject({ code: 0 });
  expect((await stream('verify', hostile, ...firewall)).err).toContain(
    'the mkfile command of "../escaped" at byte 66 is refused: the path has a component ".." [StreamRefused]',
  );
});

test('mistakes on the command line are told', async () => {
  const missing = await run('/none', ['stream', 'verify', join(directory, 'missing')]);
  expect(missing).toMatchObject({ code: 2 });
  expect(missing.err).toContain('there is no such file');
  expect((await run('/none', ['stream', 'verify', directory])).err).toContain('it is a directory');
  expect((await stream('verify', full_stream, '--uuid', sample_uuid)).err).toContain(
    'give --firewall NAME too',
  );
  const no_uuid = await stream('verify', full_stream, '--firewall', 'x', '--source', 'x');
  expect(no_uuid).toMatchObject({ code: 2 });
  expect(no_uuid.err).toContain('"x" is no uuid');
});

test('"-" is standard input', () => {
  const tsx = new URL('../../../node_modules/.bin/tsx', import.meta.url).pathname;
  const icbdrep = new URL('../../../src/cli/icbdrep.ts', import.meta.url).pathname;
  const out = execFileSync(tsx, [icbdrep, 'stream', 'verify', '-'], { input: incremental_stream });
  expect(out.toString()).toContain(`incremental from ${sample_clone_uuid}`);
});

test('on a terminal a long reading shows how far it is, and takes that away before the answer', async () => {
  const options: FakeContextOptions = { columns: 80, speed: 1_000_000 };
  const bytes = Buffer.concat(Array.from({ length: 300 }, () => full_stream));
  const { code, out, err } = await run('/none', ['stream', 'verify', fileOf(bytes)], options);
  expect([code, out.split('\n').length]).toEqual([0, 301]);
  const erase = '\r\u001b[2K';
  expect(err.split(erase)).toContainEqual(
    expect.stringMatching(/^[\d.]+ MiB of 1\.5 MiB, \d+ %, [\d.]+ \w+\/s$/),
  );
  expect(err.endsWith(erase)).toBe(true);
  expect((await stream('verify', bytes)).err).toBe('');
});
