import { expect, test } from 'vitest';
import { btrfsError, systemError } from '../../../src/btrfs/btrfs_errors.js';

const complaints: [stderr: string, code: string, retryable: boolean, hint: RegExp][] = [
  ["ERROR: cannot snapshot '/a': No space left on device\n", 'NoSpace', true, /delete old snapshots/],
  ['ERROR: Could not create subvolume: Disk quota exceeded\n', 'NoSpace', true, /quota/],
  ["ERROR: cannot snapshot '/a': Read-only file system\n", 'BtrfsFailed', true, /dmesg/],
  ["ERROR: can't perform the search: Operation not permitted\n", 'NotPermitted', false, /root/],
  ['ERROR: cannot open /a: Permission denied\n', 'NotPermitted', false, /root/],
  ['ERROR: not a btrfs filesystem: /tmp\n', 'BtrfsPathNotFound', false, /mounted btrfs/],
  [
    'ERROR: Could not destroy subvolume/snapshot: Directory not empty\n',
    'BtrfsFailed',
    false,
    /other subvolumes/,
  ],
  ["ERROR: cannot snapshot '/a': Invalid cross-device link\n", 'BtrfsFailed', false, /same btrfs/],
  ['ERROR: send ioctl failed with -5: Input/output error\n', 'BtrfsFailed', true, /device stats/],
  ['ERROR: something new\n', 'BtrfsFailed', true, /^$/],
];

test.each(complaints)('%j is %s', (stderr, code, retryable, hint) => {
  const error = btrfsError('btrfs something', '/a', { exit_code: 1, stdout: '', stderr });
  expect(error).toMatchObject({ code, retryable, operation: 'btrfs something', subject: '/a' });
  expect(error.hint).toMatch(hint);
  expect(error.message).toBe(stderr.replace('ERROR: ', '').trim());
});

test('warnings are left out, and silence has a message too', () => {
  const stderr = 'WARNING: careful\nERROR: first\nsecond\n';
  expect(btrfsError('op', '/a', { exit_code: 1, stdout: '', stderr }).message).toBe('first; second');
  expect(btrfsError('op', '/a', { exit_code: 3, stdout: '', stderr: '' }).message).toBe(
    'op ended with exit code 3',
  );
});

function failed(code: string): unknown {
  return Object.assign(new Error(`${code}: text`), { code });
}

test('failed system calls say the same', () => {
  expect(systemError('op', '/a', failed('ENOSPC'))).toMatchObject({ code: 'NoSpace', subject: '/a' });
  expect(systemError('op', '/a', failed('EACCES'))).toMatchObject({ code: 'NotPermitted' });
  expect(systemError('op', '/a', failed('EROFS'))).toMatchObject({ code: 'BtrfsFailed' });
  expect(systemError('op', '/a', failed('ELOOP'))).toMatchObject({
    code: 'Internal',
    message: 'ELOOP: text',
  });
});
