import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseMountinfo, whyNotConfined } from '../../../src/btrfs/confinement.js';
import type { ProgramResult, RunProgram } from '../../../src/btrfs/run_program.js';

const mountinfo = [
  String.raw`22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw`,
  String.raw`43 22 0:39 /sub\040vol /mnt/with\040space\134and\011tab rw,nodev,nosymfollow - btrfs /dev/loop0 rw,ssd`,
  Buffer.from('44 22 0:40 / /mnt/b\u00fccher rw - btrfs /dev/loop1 rw').toString('latin1'),
  '',
].join('\n');

test('mount points are read as they are, whatever is in their names', () => {
  expect(parseMountinfo(mountinfo)).toEqual([
    { mount_id: 22, mount_point: '/', options: ['rw', 'relatime'] },
    { mount_id: 43, mount_point: '/mnt/with space\\and\ttab', options: ['rw', 'nodev', 'nosymfollow'] },
    { mount_id: 44, mount_point: '/mnt/b\u00fccher', options: ['rw'] },
  ]);
});

/** What a machine says to the trial; its mounts are those of this one, with other options on all. */
function machine(options: string, result: Partial<ProgramResult> = {}): RunProgram {
  return () => {
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
    const changed = lines.map((line) => line.split(' ').with(5, options).join(' '));
    return Promise.resolve({ exit_code: 0, stdout: changed.join('\n'), stderr: '', ...result });
  };
}

test('a machine that cannot confine says why; one that only seems to is found out', async () => {
  const directory = import.meta.dirname;
  const all = 'rw,nosymfollow,nodev,nosuid,noexec';
  expect(await whyNotConfined(directory, machine(all))).toBeUndefined();
  expect(await whyNotConfined(directory, machine('rw,nodev,nosuid,noexec'))).toBe(
    'the kernel does not mount with nosymfollow',
  );
  const refused = { exit_code: 1, stderr: 'unshare: unshare failed: Operation not permitted\n' };
  expect(await whyNotConfined(directory, machine(all, refused))).toBe(
    'unshare: unshare failed: Operation not permitted',
  );
  expect(await whyNotConfined('/no such directory', machine(all))).toContain('ENOENT');
});
