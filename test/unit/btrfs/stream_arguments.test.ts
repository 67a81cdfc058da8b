import { expect, test } from 'vitest';
import { receiveArguments, sendArguments } from '../../../src/btrfs/stream_arguments.js';

test('send in both versions, full and incremental', () => {
  expect(sendArguments({ path: '/m/i/1', stream_version: 1, compressed_data: false })).toEqual({
    program: 'btrfs',
    args: ['send', '--quiet', '/m/i/1'],
  });
  const v2 = { path: '/m/i/2', parent: '/m/i/1', stream_version: 2, compressed_data: true } as const;
  expect(sendArguments(v2).args).toEqual([
    'send',
    '--quiet',
    '--proto',
    '2',
    '--compressed-data',
    '-p',
    '/m/i/1',
    '/m/i/2',
  ]);
});

test('compressed data needs version 2', () => {
  expect(() => sendArguments({ path: '/m/i/1', stream_version: 1, compressed_data: true })).toThrow(
    expect.objectContaining({ code: 'InvalidArgument' }),
  );
});

test('receive takes all that it is given', () => {
  expect(receiveArguments({ directory: '/m/i' })).toEqual({
    program: 'btrfs',
    args: ['receive', '--quiet', '/m/i'],
  });
});

test('no path can be taken for an option', () => {
  const { args } = sendArguments({ path: '-x', stream_version: 1, compressed_data: false });
  expect(args.at(-1)?.startsWith('/')).toBe(true);
  expect(receiveArguments({ directory: '-x' }).args.at(-1)?.startsWith('/')).toBe(true);
});
