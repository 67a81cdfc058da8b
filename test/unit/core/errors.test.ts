import { describe, expect, test } from 'vitest';
import { type Capabilities, agreeStreamVersion, codec_names, isCodec } from '../../../src/core/codecs.js';
import { type ErrorCode, IcbdError, error_codes, isErrorCode } from '../../../src/core/errors.js';

describe('IcbdError', () => {
  test.each(Object.keys(error_codes) as ErrorCode[])('%s crosses a link unchanged', (code) => {
    const error = new IcbdError(code, 'what happened', { operation: 'o', subject: 's', hint: 'h' });
    const there = IcbdError.fromReport(
      JSON.parse(JSON.stringify(error.toReport())) as ReturnType<IcbdError['toReport']>,
    );
    expect(there.toReport()).toEqual(error.toReport());
    expect(there.retryable).toBe(error_codes[code].retryable);
    expect(there).toBeInstanceOf(IcbdError);
  });

  test('keeps the names of the original system', () => {
    for (const code of ['DirNotFound', 'BtrfsPathNotFound', 'BtrfsSubvolumeNotFound', 'ImageAlreadyExists']) {
      expect(isErrorCode(code)).toBe(true);
    }
    for (const code of ['ImageNotFound', 'SnapshotAlreadyExists', 'SnapshotNotFound', 'ReplicaNotFound']) {
      expect(isErrorCode(code)).toBe(true);
    }
    expect([isErrorCode('NoSuchCode'), isErrorCode('toString')]).toEqual([false, false]);
  });

  test('has an exit code from 1 to 15 for every code', () => {
    for (const { exit_code } of Object.values(error_codes)) {
      expect(exit_code).toBeGreaterThanOrEqual(1);
      expect(exit_code).toBeLessThanOrEqual(15);
    }
  });

  test('details have defaults, and say otherwise when asked', () => {
    const error = new IcbdError('NoSpace', 'full', { operation: 'receive', retryable: false });
    expect(error).toMatchObject({ subject: '', hint: '', retryable: false, name: 'IcbdError' });
    expect('cause' in error).toBe(false);
  });

  test('from keeps what is one, and makes one of anything else', () => {
    const error = new IcbdError('NoSpace', 'full', { operation: 'receive' });
    expect(IcbdError.from(error, 'other')).toBe(error);
    const cause = new TypeError('no function');
    expect(IcbdError.from(cause, 'send', 't1')).toMatchObject({
      code: 'Internal',
      message: 'no function',
      operation: 'send',
      subject: 't1',
      cause,
    });
    expect(IcbdError.from('text', 'send').message).toBe('text');
  });
});

const node = (stream_version_max: 1 | 2): Capabilities => ({
  codecs: ['none'],
  stream_version_max,
  btrfs_progs: '6.2',
  kernel: '6.18',
});

describe('what two nodes agree on', () => {
  test.each([
    ['auto', 1, 1, 1],
    ['auto', 2, 1, 1],
    ['auto', 1, 2, 1],
    ['auto', 2, 2, 2],
    ['v1', 2, 2, 1],
    ['v2', 2, 2, 2],
    ['v2', 1, 2, undefined],
    ['v2', 2, 1, undefined],
  ] as const)('stream version, %s with %i and %i', (choice, ours, theirs, agreed) => {
    expect(agreeStreamVersion(choice, node(ours), node(theirs))).toBe(agreed);
  });

  test('codecs by their names', () => {
    for (const name of codec_names) expect(isCodec(name)).toBe(true);
    expect(isCodec('gzip')).toBe(false);
  });
});
