import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stream_start } from '../../../src/core/data_path.js';
import { IcbdError } from '../../../src/core/errors.js';
import { limits } from '../../../src/core/limits.js';
import { unclaimed_max, unclaimed_ms } from '../../../src/transport/data_claims.js';
import { pause_bytes } from '../../../src/transport/data_source.js';
import { failsWith, until } from '../../contract/link/control_link_suite.js';
import { DataPair, for_replica, from_start, pause_ms, session, textsOf } from './data_pair.js';
import { hurriedClock, secrets } from './support.js';

const whole = { from: stream_start };
const trailer = { stream_bytes: 5, hash: '00ff00ff00ff00ff' };
const why = new IcbdError('NoSpace', 'disk full', {
  operation: 'btrfs receive',
  subject: '/x',
  hint: 'make room',
});

describe('data link', () => {
  let pair: DataPair;

  beforeEach(async () => {
    pair = await DataPair.start();
  });
  afterEach(async () => {
    await pair.dispose();
  });

  it('carries 200 MB to a slow consumer in order, within its bounds of memory', async () => {
    const { source, sink } = await pair.open();
    const count = 200;
    let most_ahead = 0;
    let written = 0;
    let read = 0;
    const sending = (async () => {
      for (let index = 0; index < count; index += 1) {
        const block = Buffer.alloc(limits.block_bytes, index);
        block.writeUInt32LE(index);
        await sink.write(block);
        written += 1;
        most_ahead = Math.max(most_ahead, written - read);
      }
      await sink.end({ stream_bytes: count * limits.block_bytes, hash: trailer.hash });
    })();
    let most_buffered_bytes = 0;
    for await (const block of source.blocks) {
      expect(block.readUInt32LE()).toBe(read);
      expect(block[limits.block_bytes - 1]).toBe(read % 256);
      read += 1;
      if (read <= 20) await pause_ms(20);
      most_buffered_bytes = Math.max(most_buffered_bytes, source.buffered_bytes);
    }
    await sending;
    expect(read).toBe(count);
    expect(source.trailer).toEqual({ stream_bytes: count * limits.block_bytes, hash: trailer.hash });
    expect(source.link_bytes).toBe(sink.link_bytes);
    expect(most_buffered_bytes).toBeLessThanOrEqual(pause_bytes + 2 * limits.block_bytes);
    // In flight at the sender, in the kernel's buffers (at most 6 MB each way here), and at the receiver.
    expect(most_ahead).toBeLessThan(40);
  });

  it('uses the memory of blocks again on both sides, and mixes nothing up', async () => {
    const { source, sink } = await pair.open();
    const count = 150;
    const free: Buffer[] = [];
    let made = 0;
    sink.onWritten = (block) => {
      free.push(block.fill(0xee));
    };
    const sending = (async () => {
      for (let index = 0; index < count; index += 1) {
        if (free.length === 0) made += 1;
        const block = free.pop() ?? Buffer.alloc(limits.block_bytes);
        await sink.write(block.fill(index));
      }
      await sink.end({ stream_bytes: count * limits.block_bytes, hash: trailer.hash });
    })();
    const held: Buffer[] = [];
    const memories = new Set<ArrayBufferLike>();
    let read = 0;
    const giveBack = (): void => {
      const block = held.shift();
      const value = read - held.length - 1;
      if (block === undefined) return;
      expect(block.equals(Buffer.alloc(limits.block_bytes, value))).toBe(true);
      source.recycle(block.fill(0xdd));
    };
    for await (const block of source.blocks) {
      memories.add(block.buffer);
      held.push(block);
      read += 1;
      // A consumer that holds few, then more, and is slow now and then.
      if (read % 10 === 0) await pause_ms(15);
      while (held.length > read % 5) giveBack();
    }
    while (held.length > 0) giveBack();
    await sending;
    expect(read).toBe(count);
    expect(made).toBeLessThan(30);
    expect(memories.size).toBeLessThan(15);
  });

  it('hands on why the sender gave up, after what it had sent', async () => {
    const { source, sink } = await pair.open();
    await sink.write(Buffer.from('part'));
    sink.abort(why.toReport());
    const got: string[] = [];
    const reading = (async () => {
      for await (const block of source.blocks) got.push(block.toString());
    })();
    await expect(reading).rejects.toMatchObject({ code: 'NoSpace', message: 'disk full', hint: 'make room' });
    expect(got).toEqual(['part']);
    expect(source.trailer).toBeUndefined();
    await expect(sink.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'NoSpace' });
  });

  it('stops a sender that waits for room with the reason of the receiver', async () => {
    const { source, sink } = await pair.open();
    const sending = (async () => {
      for (;;) await sink.write(Buffer.alloc(limits.block_bytes));
    })();
    const stopped = failsWith(sending, {
      code: 'NoSpace',
      message: 'disk full',
      subject: '/x',
    });
    await pause_ms(200);
    source.abort(why.toReport());
    await stopped;
    await expect(sink.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'NoSpace' });
  });

  it('closes the link when the consumer leaves in the middle', async () => {
    const { source, sink } = await pair.open();
    const sending = (async () => {
      for (;;) await sink.write(Buffer.alloc(limits.block_bytes));
    })();
    const stopped = failsWith(sending, { code: 'Cancelled' });
    for await (const block of source.blocks) {
      expect(block.length).toBe(limits.block_bytes);
      break;
    }
    await stopped;
    expect(() => source.blocks[Symbol.asyncIterator]()).toThrow('once');
  });

  it('does not take a broken link for a complete stream', async () => {
    const { source, sink } = await pair.open();
    await sink.write(Buffer.from('part'));
    const reading = (async () => {
      for await (const block of source.blocks) expect(block.toString()).toBe('part');
    })();
    const broken = failsWith(reading, { code: 'LinkLost' });
    await pair.server.close();
    await broken;
    expect(source.trailer).toBeUndefined();
    await expect(sink.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'LinkLost' });
  });

  it('fails the writer whose receiver vanished, also one that waits', async () => {
    const socket = await pair.rawReceiver();
    socket.send(from_start);
    socket.pause();
    const sink = await pair.sinkOf();
    await sink.begin;
    const sending = (async () => {
      for (;;) await sink.write(Buffer.alloc(limits.block_bytes));
    })();
    const failed = failsWith(sending, { code: 'LinkLost' });
    await pause_ms(100);
    socket.terminate();
    await failed;
    await expect(sink.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'LinkLost' });
  });

  it.each([
    ['data', Buffer.from('data')],
    ['no JSON', 'what'],
    ['an end', JSON.stringify({ type: 'end', trailer })],
  ])('refuses %s from a receiver', async (_what, said) => {
    const socket = await pair.rawReceiver();
    const sink = await pair.sinkOf();
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.send(said);
    expect(await closed).toBe(4003);
    await expect(sink.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'InvalidMessage' });
  });

  it('refuses a block over the limit, at the sender and at the receiver', async () => {
    const { sink } = await pair.open();
    const huge = Buffer.alloc(limits.data_frame_bytes + 1);
    await expect(sink.write(huge)).rejects.toMatchObject({ code: 'FrameTooLarge' });
    sink.abort(why.toReport());
  });

  it('gives the link only to the node of the session', async () => {
    const other_secret = secrets.get('replica-2') ?? Buffer.alloc(0);
    const thief = pair.clientOf({ node: 'replica-2', instance: 'i2', secret: other_secret });
    const waiting = pair.server.waitForData(for_replica);
    const stolen = await thief.openData(session, whole);
    await expect(stolen.blocks[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'NotPermitted',
    });
    const source = await pair.openSource();
    const sink = await waiting;
    await sink.begin;
    await sink.write(Buffer.from('hello'));
    await sink.end(trailer);
    expect(await textsOf(source)).toEqual(['hello']);
    expect(source.trailer).toEqual(trailer);
  });

  it('refuses a link that no transfer asks for in time', async () => {
    await pair.dispose();
    pair = await DataPair.start(hurriedClock(unclaimed_ms, 100));
    const source = await pair.openSource();
    await expect(source.blocks[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'TimedOut' });
    await until(() => pair.log.find(({ kind }) => kind === 'data_refused'));
  });

  it('holds a bounded number of links for each node', async () => {
    for (let attempt = 1; attempt <= unclaimed_max; attempt += 1)
      await pair.client.openData({ transfer: 't', attempt }, whole);
    const refused = await pair.client.openData({ transfer: 't', attempt: 99 }, whole);
    await expect(refused.blocks[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'NotPermitted',
    });
    await expect(
      pair.server.waitForData({ node: 'replica-1', transfer: 't', attempt: 3 }),
    ).resolves.toBeDefined();
  });

  it('forgets a held link that broke', async () => {
    const socket = await pair.rawReceiver();
    socket.terminate();
    await pause_ms(100);
    await expect(pair.server.waitForData(for_replica, { timeout_ms: 50 })).rejects.toMatchObject({
      code: 'TimedOut',
    });
  });

  it('stops to wait after its time, by a signal, and with the server', async () => {
    await expect(pair.server.waitForData(for_replica, { timeout_ms: 20 })).rejects.toMatchObject({
      code: 'TimedOut',
    });
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = failsWith(pair.server.waitForData(for_replica, { signal }), {
      code: 'NoSpace',
    });
    await expect(pair.server.waitForData(for_replica)).rejects.toMatchObject({ code: 'AlreadyRunning' });
    controller.abort(why);
    await waiting;
    await expect(pair.client.openData(session, { ...whole, signal })).rejects.toMatchObject({
      code: 'NoSpace',
    });
    const last = failsWith(pair.server.waitForData(for_replica), { code: 'Interrupted' });
    await pair.server.close();
    await last;
    await expect(pair.client.openData(session, whole)).rejects.toMatchObject({ code: 'LinkLost' });
  });
});
