import { afterEach, expect, it } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import { type LiveStream, LiveStreams, type StreamOrigin } from '../../../src/daemon/live_streams.js';
import { OutgoingStream } from '../../../src/pipeline/outgoing_stream.js';
import { TestChildren, clock } from '../pipeline/outgoing_support.js';

const children = new TestChildren();
const origin: StreamOrigin = {
  source: { uuid: 'one', parent_uuid: 'base', stream_version: 2 },
  path: '/images/vm/2',
  parent_path: '/images/vm/1',
};

const live = (script = 'exec sleep 600'): LiveStream => ({
  origin,
  stream: new OutgoingStream({ child: children.shell(script), clock }),
  total_bytes: 7,
});

afterEach(() => children.check());

it('keeps a stream for the next link, and gives it to one who wants the same', async () => {
  const streams = new LiveStreams();
  const kept = live();
  streams.keep('1-a', kept);
  expect(streams.transfers).toEqual(['1-a']);
  expect(await streams.take('2-b', origin)).toBeUndefined();
  expect(await streams.take('1-a', structuredClone(origin))).toBe(kept);
  expect(await streams.take('1-a', origin)).toBeUndefined();
  await kept.stream.stop(new IcbdError('Cancelled', 'over', { operation: 'test' }).toReport());
});

it.each<[string, StreamOrigin]>([
  ['snapshot', { ...origin, source: { ...origin.source, uuid: 'two' } }],
  ['parent', { ...origin, source: { ...origin.source, parent_uuid: null } }],
  ['version', { ...origin, source: { ...origin.source, stream_version: 1 } }],
  ['path', { ...origin, path: '/images/vm/3' }],
  ['path of the parent', { ...origin, parent_path: null }],
])('stops one of another %s', async (_what, wanted) => {
  const streams = new LiveStreams();
  const kept = live();
  streams.keep('1-a', kept);
  expect(await streams.take('1-a', wanted)).toBeUndefined();
  expect(await kept.stream.over).toMatchObject({ code: 'Cancelled' });
  expect(streams.transfers).toEqual([]);
});

it('lets go of one whose process dies', async () => {
  const streams = new LiveStreams();
  const kept = live('exit 3');
  streams.keep('1-a', kept);
  expect((await kept.stream.over).message).toContain('exit code 3');
  expect(streams.transfers).toEqual([]);
  expect(await streams.take('1-a', origin)).toBeUndefined();
});

it('does not confuse the end of one with the next of its transfer', async () => {
  const streams = new LiveStreams();
  const [first, second] = [live(), live()];
  streams.keep('1-a', first);
  streams.keep('1-a', second);
  await first.stream.over;
  await Promise.resolve();
  expect(await streams.take('1-a', origin)).toBe(second);
  await second.stream.stop(new IcbdError('Cancelled', 'over', { operation: 'test' }).toReport());
});

it('drops one, or all, and waits for their processes', async () => {
  const streams = new LiveStreams();
  const kept = [live(), live(), live()];
  for (const [index, each] of kept.entries()) streams.keep(`${index}`, each);
  await streams.drop('0');
  await streams.drop('unknown');
  expect(streams.transfers).toEqual(['1', '2']);
  await streams.closeAll();
  expect(streams.transfers).toEqual([]);
  for (const each of kept) expect(await each.stream.over).toMatchObject({ code: 'Cancelled' });
});
