/** `icbdrep codec` as it is built, in pipes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stream_codec_names } from '../../../src/stream_codecs/codec_settings.js';
import { content, compressAll } from '../../unit/stream_codecs/support.js';
import { codec, icbdrep, needPrograms, pass, run } from './programs.js';

const directory = mkdtempSync(join(tmpdir(), 'icbdrep-codec-'));
const input_file = join(directory, 'input');
const bytes = content('mixed', 3_000_000);

beforeAll(() => {
  needPrograms('lz4', 'zstd', 'python3');
  writeFileSync(input_file, bytes);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A line of the shell, in which `codec` is the command. */
function shell(line: string) {
  const command = `codec() { "${process.execPath}" "${icbdrep}" codec "$@"; }; ${line}`;
  return run('bash', ['-c', `set -o pipefail; cd "${directory}"; ${command}`], Buffer.alloc(0));
}

describe.each(stream_codec_names)('--codec %s', (name) => {
  it('goes through pipes and files and back', async () => {
    const { code, stderr } = await shell(
      `codec compress --codec ${name} < input | cat | codec decompress --codec ${name} > output.${name}`,
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(readFileSync(join(directory, `output.${name}`)).equals(bytes)).toBe(true);
  });

  it('ends with an error for input that is cut, and says what became of the output', async () => {
    const stream = await compressAll(name, bytes);
    const cut = await codec(['decompress', '--codec', name], stream.subarray(0, stream.length - 5));
    expect(cut.code).toBe(1);
    expect(cut.stderr).toContain(`icbdrep: ${name}: the input ends too early`);
    // The program zstd is stopped at once, perhaps before anything came out of it.
    expect(cut.stderr.includes('must not be used')).toBe(cut.stdout.length > 0);
    const nothing = await codec(['decompress', '--codec', name], Buffer.alloc(0));
    expect([nothing.code, nothing.stdout.length]).toEqual([1, 0]);
  });
});

it('takes block sizes and levels', async () => {
  const packed = await codec(['compress', '--codec', 'lz4', '--block-size', '64K'], bytes);
  expect(packed.stdout.readUInt8(5) >> 4).toBe(4);
  expect((await pass('lz4', ['-d', '-c'], packed.stdout)).equals(bytes)).toBe(true);
  const best = await codec(['compress', '--codec', 'zlib', '--level', '9', '--block-size', '1K'], bytes);
  expect(best.stdout.subarray(0, 2).toString('hex')).toBe('78da');
  const code = 'import sys, zlib; sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))';
  expect((await pass('python3', ['-c', code], best.stdout)).equals(bytes)).toBe(true);
});

it('with --json the summary and errors stand on stderr, the data alone on stdout', async () => {
  const packed = await codec(['compress', '--codec', 'zstd', '--json'], bytes);
  expect(JSON.parse(packed.stderr)).toEqual({
    codec: 'zstd',
    direction: 'compress',
    input_bytes: bytes.length,
    output_bytes: packed.stdout.length,
  });
  const failed = await codec(['decompress', '--codec', 'zlib', '--json'], packed.stdout);
  expect(JSON.parse(failed.stderr)).toMatchObject({
    error: { code: 'CorruptData', hint: 'the input looks like zstd: try that codec' },
  });
});

it('says nothing when the reader has enough, and ends as if by SIGPIPE', async () => {
  const { code, stdout, stderr } = await shell(
    'codec compress --codec gzip --level 1 < <(cat /dev/urandom) | head -c 3; echo " ${PIPESTATUS[0]}"',
  );
  expect(stdout.subarray(0, 3).toString('hex')).toBe('1f8b08');
  expect([code, stdout.subarray(3).toString(), stderr]).toEqual([0, ' 141\n', '']);
});

it('says that there is no room, and that the input cannot be read', async () => {
  const full = await shell('codec compress --codec snappy < input > /dev/full');
  expect([full.code, full.stderr]).toEqual([1, expect.stringContaining('there is no room for the output')]);
  const unreadable = await shell('codec compress --codec snappy < .');
  expect(unreadable.code).toBe(2);
  expect(unreadable.stderr).toContain('standard input cannot be read: EISDIR');
});

it('reads a block device to its end', async () => {
  const device = (await pass('losetup', ['--find', '--show', '--read-only', input_file], Buffer.alloc(0)))
    .toString()
    .trim();
  try {
    const { code, stdout, stderr } = await shell(`codec compress --codec lz4 < ${device} | lz4 -d -c`);
    expect([code, stderr]).toEqual([0, '']);
    // A device has whole sectors.
    expect(stdout.equals(bytes.subarray(0, bytes.length - (bytes.length % 512)))).toBe(true);
  } finally {
    await pass('losetup', ['--detach', device], Buffer.alloc(0));
  }
});

it('ends at once by a signal, whatever it waits for', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = spawn(process.execPath, [icbdrep, 'codec', 'compress', '--codec', 'lz4']);
    // Nobody reads, so that a write hangs.
    child.stdout.pause();
    child.stdin.on('error', () => undefined);
    const first = once(child.stdout, 'readable');
    child.stdin.write(content('random', 4_000_000));
    await first;
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([null, signal]);
    child.stdout.destroy();
  }
});

/** KiB that a decompression had in memory at most. */
async function peakOf(name: string, file: string): Promise<number> {
  const { stdout } = await run(
    'python3',
    [
      '-c',
      'import resource, subprocess, sys\n' +
        'code = subprocess.call(sys.argv[2:], stdin=open(sys.argv[1]), stdout=subprocess.DEVNULL)\n' +
        'print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)',
      file,
      process.execPath,
      icbdrep,
      'codec',
      'decompress',
      '--codec',
      name,
    ],
    Buffer.alloc(0),
  );
  const [code, peak_kib] = stdout.toString().trim().split(' ').map(Number);
  if (code !== 0 || peak_kib === undefined) throw new Error(`ended with ${stdout.toString()}`);
  return peak_kib;
}

it('memory does not grow with what comes out', { timeout: 240_000 }, async () => {
  for (const name of stream_codec_names) {
    const file = join(directory, `zeros.${name}`);
    const made = await shell(`head -c 128M /dev/zero | codec compress --codec ${name} > ${file}`);
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect(statSync(file).size).toBeLessThan(16_000_000);
    expect(await peakOf(name, file)).toBeLessThan(220_000);
    rmSync(file);
  }
});
