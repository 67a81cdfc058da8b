import { expect, test } from 'vitest';
import { DurableQueue } from '../../../src/pipeline/durable_queue.js';

test('one job runs and one waits; the third has to wait for the first', async () => {
  const ends: (() => void)[] = [];
  const worked: number[] = [];
  const queue = new DurableQueue<number>(async (item) => {
    worked.push(item);
    await new Promise<void>((resolve) => ends.push(resolve));
  });
  await queue.push(1);
  await queue.push(2);
  let has_third = false;
  const third = queue.push(3).then(() => {
    has_third = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect([worked, has_third]).toEqual([[1], false]);
  ends[0]?.();
  await third;
  await new Promise((resolve) => setImmediate(resolve));
  expect(worked).toEqual([1, 2]);
  ends[1]?.();
  await new Promise((resolve) => setImmediate(resolve));
  ends[2]?.();
  await queue.drain();
  expect(worked).toEqual([1, 2, 3]);
});

test('after a failure nothing more is worked on, and everybody hears of it', async () => {
  const worked: number[] = [];
  const queue = new DurableQueue<number>((item) => {
    worked.push(item);
    return Promise.reject(new Error('disk'));
  });
  await queue.push(1);
  await queue.push(2);
  await expect(queue.drain()).rejects.toThrow('disk');
  await expect(queue.push(3)).rejects.toThrow('disk');
  expect(worked).toEqual([1]);
});
