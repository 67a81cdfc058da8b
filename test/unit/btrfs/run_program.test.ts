import { expect, test } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import { runProgram } from '../../../src/btrfs/run_program.js';

test('any exit code is a result, and the language is fixed', async () => {
  const script = 'echo "$LC_ALL $TZ"; echo complaint >&2; exit 3';
  expect(await runProgram('sh', ['-c', script], {})).toEqual({
    exit_code: 3,
    stdout: 'C UTC\n',
    stderr: 'complaint\n',
  });
});

test('a program that is missing, too slow, stopped or killed', async () => {
  await expect(runProgram('icbdrep-no-such-program', [], {})).rejects.toThrow(
    expect.objectContaining({ code: 'ProgramNotFound', subject: 'icbdrep-no-such-program' }),
  );
  await expect(runProgram('sleep', ['30'], { timeout_ms: 50 })).rejects.toThrow(
    expect.objectContaining({ code: 'TimedOut' }),
  );
  await expect(runProgram('sleep', ['30'], { signal: AbortSignal.timeout(50) })).rejects.toThrow(
    expect.objectContaining({ code: 'Cancelled' }),
  );
  const reason = new IcbdError('Interrupted', 'the daemon stops', { operation: 'stop' });
  await expect(runProgram('sleep', ['30'], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await expect(runProgram('sh', ['-c', 'kill -9 $$'], {})).rejects.toThrow(
    expect.objectContaining({ code: 'ProcessFailed' }),
  );
});
