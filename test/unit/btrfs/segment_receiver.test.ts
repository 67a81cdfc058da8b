import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SegmentReceiver } from '../../../src/btrfs/segment_receiver.js';
import { IcbdError } from '../../../src/core/errors.js';
import { type Child, isSameProcess, startChild } from '../../../src/pipeline/child.js';

let directory: string;
const started: Child[] = [];
const stop_reason = new IcbdError('Cancelled', 'by hand', { operation: 'test' }).toReport();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'icbdrep-segment-'));
});
afterEach(async () => {
  for (const child of started.splice(0)) {
    child.stop(stop_reason);
    await child.finished;
  }
  rmSync(directory, { recursive: true, force: true });
});

function start(script: string): { receiver: SegmentReceiver; failures: IcbdError[]; child: Child } {
  const child = startChild({ program: 'sh', args: ['-c', script], stdin: 'pipe', stdout: 'none' });
  started.push(child);
  const failures: IcbdError[] = [];
  return { receiver: new SegmentReceiver(child, (cause) => failures.push(cause)), failures, child };
}

test('what is written arrives, and the memory is given back when it did', async () => {
  const file = join(directory, 'got');
  const { receiver, failures } = start(`cat > '${file}'`);
  let written = 0;
  await receiver.write([Buffer.from('one '), Buffer.from('two')], () => {
    written += 1;
  });
  await receiver.finish();
  expect([readFileSync(file, 'utf8'), written, failures]).toEqual(['one two', 1, []]);
});

test('an end before its time is told, whatever the exit code, and thrown by the next write', async () => {
  for (const [script, message] of [
    ['exit 7', 'exit code 7'],
    ['exit 0', 'ended before it had read the whole stream'],
  ] as const) {
    const { receiver, failures, child } = start(script);
    await child.finished;
    await expect(receiver.write([Buffer.alloc(100_000)])).rejects.toThrow(message);
    expect(failures.map((failure) => failure.message.includes(message))).toEqual([true]);
  }
});

test('the reason of the process is reported and not the broken pipe', async () => {
  const { receiver } = start(
    'exec <&-; sleep 0.2; echo "ERROR: writing: No space left on device" >&2; exit 1',
  );
  const writing = async (): Promise<void> => {
    for (let count = 0; count < 100; count += 1) await receiver.write([Buffer.alloc(1_000_000)]);
  };
  await expect(writing()).rejects.toMatchObject({ code: 'NoSpace', retryable: true });
});

test('a segment is finished only if the process ends well', async () => {
  const { receiver, failures } = start('cat > /dev/null; exit 9');
  await receiver.write([Buffer.from('x')]);
  await expect(receiver.finish()).rejects.toThrow('exit code 9');
  expect(failures).toEqual([]);
});

test('a hung one is ended by a stop, and what waits for it fails with the reason', async () => {
  const { receiver, child } = start('exec sleep 600');
  const writing = receiver.write([Buffer.alloc(5_000_000)]);
  writing.catch(() => undefined);
  await receiver.stop(stop_reason);
  await expect(writing).rejects.toMatchObject({ code: 'Cancelled' });
  expect(isSameProcess(child.pid ?? 0, child.start_time)).toBe(false);
});
