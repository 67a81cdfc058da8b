/** What happens on a daemon, told to all who follow it: feed, HTTP and client. */
import { setMaxListeners } from 'node:events';
import { request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ControlClient } from '../../../../src/client/control_client.js';
import type { FollowOptions } from '../../../../src/client/events.js';
import type { FeedMessage } from '../../../../src/core/feed.js';
import { type ControlServer, startControlServer } from '../../../../src/daemon/control/server.js';
import type { Operations } from '../../../../src/daemon/operations/operations.js';
import { FeedBench, silent_log, transfer } from './feed_support.js';

let bench: FeedBench;
let server: ControlServer;
let client: ControlClient;
let stop: AbortController;

const start = async (): Promise<void> => {
  server = await startControlServer({
    control: { socket: bench.socket, allowed_hosts: [] },
    operations: {} as Operations,
    feed: bench.newFeed(),
    probes: null,
    log: silent_log,
  });
};

beforeEach(async () => {
  bench = new FeedBench();
  stop = new AbortController();
  setMaxListeners(0, stop.signal);
  await start();
  client = new ControlClient(bench.socket);
});
afterEach(async () => {
  stop.abort();
  await server.close();
  bench.dispose();
});

/** A follower whose messages are taken one by one; it has had its `hello`. */
class Following {
  readonly #messages: AsyncGenerator<FeedMessage, void, undefined>;

  constructor(options: FollowOptions = {}) {
    this.#messages = client.events.follow({ signal: stop.signal, ...options });
  }

  async next(): Promise<FeedMessage> {
    const { value } = await this.#messages.next();
    if (value === undefined) throw new Error('it ended');
    return value;
  }

  /** The ids of the next events. */
  async ids(count: number): Promise<number[]> {
    const ids: number[] = [];
    while (ids.length < count) {
      const message = await this.next();
      if (message.kind === 'event') ids.push(message.data.event_id);
    }
    return ids;
  }

  async end(): Promise<void> {
    await this.#messages.return();
  }
}

test('a follower hears a greeting, each event, and how what changed stands now', async () => {
  bench.commit(transfer('1-a'));
  const following = new Following();
  expect(await following.next()).toEqual({
    kind: 'hello',
    data: { node: 'master', role: 'master', epoch: 1, last_event_id: 1 },
  });
  const [event] = bench.commit(transfer('1-a'));
  bench.commit(transfer('1-a'), transfer('2-b'), { kind: 'replica', id: 'r1' }, { kind: 'image', id: 'vm' });
  expect(await following.next()).toEqual({ kind: 'event', data: event });
  expect(await following.ids(4)).toEqual([3, 4, 5, 6]);
  const reports = [await following.next(), await following.next(), await following.next()];
  expect(reports).toEqual([
    { kind: 'transfers', data: [expect.objectContaining({ id: '1-a', events: 3 }), expect.anything()] },
    { kind: 'replicas', data: [expect.objectContaining({ name: 'r1' })] },
    { kind: 'images', data: [expect.objectContaining({ name: 'vm' })] },
  ]);
  // Three events of one transfer within 200 ms are one report.
  expect(bench.reported).toBe(4);
});

test('nobody follows: nothing is made, and the node is not listened to', async () => {
  bench.commit(transfer('1-a'));
  expect(bench.subscribers.size).toBe(0);
  const following = new Following();
  await following.next();
  expect(bench.subscribers.size).toBe(1);
  await following.end();
  await expect.poll(() => bench.subscribers.size).toBe(0);
  expect(bench.reported).toBe(0);
});

test('who was away is told what was missed, in order and once, and how that stands', async () => {
  for (let index = 0; index < 1_200; index += 1) bench.commit(transfer(`${index % 3}-a`));
  const following = new Following({ after: 200 });
  await following.next();
  const ids = await following.ids(1_000);
  expect(ids).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 201));
  const message = await following.next();
  expect(message).toMatchObject({ kind: 'transfers', data: [{}, {}, {}] });
  bench.commit(transfer('1-a'));
  expect(await following.ids(1)).toEqual([1_201]);
});

test.each([
  ['too many', { events: 10_002, after: 1, pruned: [], gap: { from: 2, to: 10_002 } }],
  ['some are gone', { events: 40, after: 5, pruned: [20], gap: { from: 6, to: 40 } }],
  ['the database is another one', { events: 3, after: 90, pruned: [], gap: { from: 1, to: 3 } }],
])('%s: it is told that all has to be read anew', async (_, { events, after, pruned, gap }) => {
  const of_all = Array.from({ length: events }, () => transfer('1-a'));
  bench.commit(...of_all);
  for (const event_id of pruned) bench.events.splice(event_id - 1, 1);
  const following = new Following({ after });
  await following.next();
  expect(await following.next()).toEqual({ kind: 'gap', data: gap });
  bench.commit(transfer('1-a'));
  expect(await following.ids(1)).toEqual([events + 1]);
});

test('a daemon that is started again is found again, and nothing is lost or told twice', async () => {
  const following = new Following();
  await following.next();
  bench.commit(transfer('1-a'), transfer('1-a'));
  expect(await following.ids(2)).toEqual([1, 2]);
  await server.close();
  bench.commit(transfer('1-a'), transfer('1-a'));
  await start();
  expect(await following.ids(2)).toEqual([3, 4]);
  bench.commit(transfer('1-a'));
  expect(await following.ids(1)).toEqual([5]);
});

test('a follower of reports alone goes on where it was too', async () => {
  const following = new Following({ only: ['transfers'] });
  await following.next();
  bench.commit(transfer('1-a'));
  expect(await following.next()).toMatchObject({ kind: 'transfers', data: [{ id: '1-a', events: 1 }] });
  await server.close();
  bench.commit(transfer('2-b'));
  await start();
  expect(await following.next()).toMatchObject({ kind: 'hello' });
  expect(await following.next()).toMatchObject({ kind: 'transfers', data: [{ id: '2-b' }] });
});

test('one actor alone', async () => {
  const following = new Following({ actor: 'transfer/2-b' });
  await following.next();
  bench.moving = ['1-a', '2-b'].map((id) => ({ id, progress: {} as never }));
  bench.commit(transfer('1-a'), transfer('2-b'), { kind: 'replica', id: '2-b' });
  expect(await following.ids(1)).toEqual([2]);
  expect(await following.next()).toMatchObject({ kind: 'transfers', data: [{ id: '2-b' }] });
  expect(await following.next()).toEqual({ kind: 'progress', data: [{ id: '2-b', progress: {} }] });
});

test('an actor that is gone holds nobody up', async () => {
  const following = new Following({ only: ['transfers'] });
  await following.next();
  bench.commit(transfer('gone'), transfer('1-a'));
  expect(await following.next()).toMatchObject({ kind: 'transfers', data: [{ id: '1-a' }] });
});

const asked = (options: FollowOptions): Promise<FeedMessage> => new Following(options).next();

test('what nobody can be told is refused', async () => {
  await expect(asked({ only: ['nothing' as never] })).rejects.toThrow(/only/);
  await expect(asked({ after: -1 })).rejects.toThrow(/after/);
  stop.abort();
  await expect(asked({})).rejects.toThrow(expect.objectContaining({ code: 'Cancelled' }));
  stop = new AbortController();
  await server.close();
  await expect(asked({})).rejects.toThrow(expect.objectContaining({ code: 'DaemonNotRunning' }));
});

test('a follower that does not read is cut off, and the others hear all', async () => {
  const slow = request({ socketPath: bench.socket, path: '/v1/events', agent: false }).end();
  // Nothing is ever read of this answer.
  const is_cut = new Promise((resolve) => {
    slow.on('response', (response) => {
      response.pause();
      response.on('close', resolve).on('error', () => undefined);
    });
  });
  await expect.poll(() => bench.feed.reader_count).toBe(1);
  const following = new Following({ only: ['event'] });
  await following.next();
  const long = { kind: 'transfer', id: 'x'.repeat(10_000) } as const;
  let heard = 0;
  while (bench.feed.reader_count === 2) {
    bench.commit(...Array.from({ length: 100 }, () => long));
    heard += (await following.ids(100)).length;
    expect(heard).toBeLessThan(10_000);
  }
  slow.destroy();
  await is_cut;
});

test('a hundred followers cost one report, and hear the same', async () => {
  const all = Array.from({ length: 100 }, () => new Following());
  await Promise.all(all.map((following) => following.next()));
  bench.commit(transfer('1-a'), transfer('1-a'));
  expect(await Promise.all(all.map((following) => following.ids(2)))).toEqual(all.map(() => [1, 2]));
  await Promise.all(all.map((following) => following.next()));
  expect(bench.reported).toBe(1);
});
