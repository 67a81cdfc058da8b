import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exit_codes } from '../../../src/cli/exit_codes.js';
import { parseSize } from '../../../src/cli/commands/stream_receive.js';
import { StreamHash } from '../../../src/pipeline/hash.js';
import { PrefixHash, ReceiveInput } from '../../../src/tools/stream_receive_input.js';
import {
  checkOwner,
  loadState,
  ownProcess,
  type ReceiveState,
  removeState,
  saveState,
} from '../../../src/tools/stream_receive_state.js';
import { run } from '../cli/fake_context.js';

function startTimeOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'icbdrep-receive-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const state: ReceiveState = {
  format: 1,
  seed: 'abc1',
  run: 3,
  owner: { pid: 1, start_time: 'another' },
  head: { offset_bytes: 100, hash: '00ff' },
  subvolumes: [
    {
      name: '1',
      uuid: 'u',
      ctransid: '18446744073709551615',
      version: 2,
      part: { name: 'p', uuid: 's', index: 4, offset_bytes: 1000, hash: '11' },
      end: null,
    },
  ],
};

test('a state is read as it was written, replaced as a whole, and gone when it is removed', async () => {
  const path = join(directory, 'state');
  expect(await loadState(path)).toBeUndefined();
  await saveState(path, { ...state, run: 1 });
  await saveState(path, state);
  expect(await loadState(path)).toEqual(state);
  expect(await readdir(directory)).toEqual(['state']);
  await removeState(path);
  await removeState(path);
  expect(await readdir(directory)).toEqual([]);
});

test('a file that holds something else is refused and left as it is', async () => {
  const path = join(directory, 'state');
  const others = [
    '',
    'text',
    'null',
    '{}',
    JSON.stringify({ ...state, format: 2 }),
    JSON.stringify({ ...state, seed: '../x' }),
    JSON.stringify({ ...state, subvolumes: [{ ...state.subvolumes[0], ctransid: 'x' }] }),
    JSON.stringify({ ...state, subvolumes: [{ ...state.subvolumes[0], part: {} }] }),
  ];
  for (const text of others) {
    await writeFile(path, text);
    await expect(loadState(path)).rejects.toThrow(expect.objectContaining({ code: 'CorruptData' }));
    expect(await readFile(path, 'utf8')).toBe(text);
  }
  await expect(saveState(join(path, 'below'), state)).rejects.toThrow(
    expect.objectContaining({ operation: 'write receive state' }),
  );
});

test('the state of a process that still runs is not taken from it', () => {
  const { pid, start_time } = ownProcess();
  expect(pid).toBe(process.pid);
  expect(start_time).toMatch(/^\d+$/);
  expect(() => checkOwner('f', state)).not.toThrow();
  expect(() => checkOwner('f', { ...state, owner: ownProcess() })).not.toThrow();
  const parent = { pid: process.ppid, start_time: startTimeOf(process.ppid) };
  expect(() => checkOwner('f', { ...state, owner: parent })).toThrow(
    expect.objectContaining({ code: 'AlreadyRunning' }),
  );
});

test('the hash of any prefix, from blocks whose memory is used again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 50 })),
      fc.array(fc.nat({ max: 60 })),
      (blocks, steps) => {
        const all = Buffer.concat(blocks);
        const prefix = new PrefixHash(new StreamHash());
        let seen_bytes = 0;
        let asked_bytes = 0;
        for (const [place, block] of blocks.entries()) {
          const reused = Buffer.from(block);
          prefix.push(reused);
          seen_bytes += block.length;
          asked_bytes = Math.min(seen_bytes, asked_bytes + (steps[place] ?? 0));
          const expected = new StreamHash();
          expected.update(all.subarray(0, asked_bytes));
          expect(prefix.placeAt(asked_bytes)).toEqual({ offset_bytes: asked_bytes, hash: expected.digest() });
          prefix.settle(asked_bytes);
          reused.fill(0xee);
        }
      },
    ),
  );
});

test('a file is skipped up to a place that its bytes prove, and can be read again', async () => {
  const path = join(directory, 'stream');
  const content = Buffer.alloc(3_000_000, 'content');
  await writeFile(path, content);
  const hash = new StreamHash();
  hash.update(content.subarray(0, 2_000_000));
  const place = { offset_bytes: 2_000_000, hash: hash.digest() };
  const input = await ReceiveInput.fromFile(path);
  try {
    expect((await input.skipTo(place))?.digest()).toBe(place.hash);
    const rest: Buffer[] = [];
    for (let block = await input.next(); block !== undefined; block = await input.next())
      rest.push(Buffer.from(block));
    expect(Buffer.concat(rest).equals(content.subarray(2_000_000))).toBe(true);
    input.rewind();
    expect(await input.skipTo({ ...place, hash: 'another' })).toBeUndefined();
    input.rewind();
    await expect(input.skipTo({ ...place, offset_bytes: 4_000_000 })).rejects.toThrow(
      'ends after 3000000 bytes',
    );
  } finally {
    input.destroy();
  }
  await expect(ReceiveInput.fromFile(join(directory, 'none'))).rejects.toThrow('ENOENT');
});

test('sizes have the units of btrfs', () => {
  expect(['1', '64M', '64MiB', '2k', '1GB', '3 g'].map(parseSize)).toEqual([
    1,
    64 * 1024 ** 2,
    64 * 1024 ** 2,
    2048,
    1024 ** 3,
    3 * 1024 ** 3,
  ]);
  for (const value of ['0', '', 'M', '-1', '1.5M', '1T', '99999999999G']) {
    expect(() => parseSize(value)).toThrow('is no size');
  }
});

test('the command says what is wrong before it reads anything', async () => {
  const missing = await run('', ['stream', 'receive', join(directory, 'none'), '--json']);
  expect(missing).toMatchObject({ code: 10, out: '' });
  expect(JSON.parse(missing.err)).toMatchObject({ error: { code: 'DirNotFound' } });
  const elsewhere = await run('', ['stream', 'receive', '/proc']);
  expect(elsewhere.code).toBe(10);
  expect(elsewhere.err).toContain('[BtrfsPathNotFound]');
  for (const option of [['--checkpoint', '0'], ['--checkpoint-seconds', 'x'], ['-E', '-1'], ['--dump']]) {
    expect((await run('', ['stream', 'receive', directory, ...option])).code).toBe(exit_codes.usage);
  }
});
