import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { proof_grid_bytes, stream_start } from '../../../src/core/data_path.js';
import { IcbdError } from '../../../src/core/errors.js';
import { limits } from '../../../src/core/limits.js';
import { replaced_linger_ms } from '../../../src/transport/data_claims.js';
import { WsDataSource } from '../../../src/transport/data_source.js';
import { ping_interval_ms } from '../../../src/transport/liveness.js';
import { prepareWire } from '../../../src/transport/wire.js';
import { failsWith, until } from '../../contract/link/control_link_suite.js';
import { DataPair, for_replica, from_start, pause_ms, textsOf } from './data_pair.js';
import { hurriedClock, real_clock } from './support.js';

const trailer = { stream_bytes: 5 * proof_grid_bytes, hash: '00ff00ff00ff00ff' };
const place = { offset_bytes: 3 * proof_grid_bytes, hash: '0123456789abcdef' };
const why = new IcbdError('NoSpace', 'disk full', {
  operation: 'btrfs receive',
  subject: '/x',
  hint: 'room',
});

function from(changes: object): string {
  return JSON.stringify({ type: 'from', place: { ...place, ...changes } });
}
function taken(offset_bytes: number): string {
  return JSON.stringify({ type: 'taken', offset_bytes });
}

describe('a stream that goes on', () => {
  let pair: DataPair;

  beforeEach(async () => {
    pair = await DataPair.start();
  });
  afterEach(async () => {
    await pair.dispose();
  });

  it('begins where the receiver wants it', async () => {
    const source = await pair.openSource(place);
    const sink = await pair.sinkOf();
    expect(await sink.begin).toEqual(place);
    await sink.write(Buffer.from('rest'));
    await sink.end(trailer);
    expect(await textsOf(source)).toEqual(['rest']);
    expect(source.trailer).toEqual(trailer);
  });

  it('says when the link has ended, also to one who waits for nothing', async () => {
    const socket = await pair.rawReceiver();
    const sink = await pair.sinkOf();
    socket.send(from_start);
    await sink.begin;
    socket.terminate();
    expect(await sink.closed).toMatchObject({ code: 'LinkLost' });
    await expect(sink.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'LinkLost' });
  });

  it('takes no block before it knows from where', async () => {
    const socket = await pair.rawReceiver();
    const heard: string[] = [];
    socket.on('message', (data: Buffer) => heard.push(data.toString()));
    const sink = await pair.sinkOf();
    sink.skipped(proof_grid_bytes);
    await expect(sink.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'Internal' });
    await expect(sink.end(trailer)).rejects.toMatchObject({ code: 'Internal' });
    socket.send(from_start);
    expect(await sink.begin).toEqual(stream_start);
    await sink.write(Buffer.from('first'));
    await until(() => heard.length > 0);
    expect(heard).toEqual(['first']);
  });

  it('tells the receiver how far the sender has skipped, until the first block', async () => {
    const { source, sink } = await pair.open(place);
    const skipped: number[] = [];
    sink.skipped(1);
    // Nobody listens yet.
    await pause_ms(50);
    source.onSkipped = (offset_bytes) => skipped.push(offset_bytes);
    sink.skipped(1_000_000);
    sink.skipped(2_000_001);
    await sink.write(Buffer.from('block'));
    sink.skipped(4_000_000);
    await sink.end(trailer);
    sink.skipped(5_000_000);
    expect(await textsOf(source)).toEqual(['block']);
    sink.skipped(6_000_000);
    expect(skipped).toEqual([1_000_000, 2_000_001]);
    expect(source.link_bytes).toBe(sink.link_bytes);
  });

  it('tells the sender what was taken, each offset once, while blocks flow', async () => {
    const { source, sink } = await pair.open(place);
    const heard: number[] = [];
    sink.onTaken = (offset_bytes) => heard.push(offset_bytes);
    const sending = (async () => {
      for (let index = 0; index < 20; index += 1) await sink.write(Buffer.alloc(limits.block_bytes, index));
    })();
    let offset_bytes = place.offset_bytes;
    source.taken(offset_bytes);
    const reading = (async () => {
      for await (const block of source.blocks) {
        offset_bytes += block.length;
        source.taken(offset_bytes);
        source.taken(offset_bytes);
        source.taken(offset_bytes - proof_grid_bytes);
      }
    })();
    await sending;
    await until(() => heard.length === 20);
    expect(heard).toEqual(Array.from({ length: 20 }, (_, index) => (4 + index) * proof_grid_bytes));
    await sink.end(trailer);
    await reading;
    source.taken(offset_bytes + 1);
    await pause_ms(50);
    expect(heard).toHaveLength(20);
  });

  it('tells the sender what is on disk, which may be behind what was taken', async () => {
    const { source, sink } = await pair.open(place);
    const heard: number[] = [];
    sink.onKept = (offset_bytes) => heard.push(offset_bytes);
    source.taken(place.offset_bytes + 2 * proof_grid_bytes);
    source.kept(place.offset_bytes + 4_711);
    await until(() => heard.length === 1);
    expect(heard).toEqual([place.offset_bytes + 4_711]);
    source.abort(new IcbdError('Cancelled', 'no more', { operation: 'test' }).toReport());
    source.kept(place.offset_bytes + 4_712);
    await pause_ms(50);
    expect(heard).toHaveLength(1);
  });

  it.each([
    ['data first', [Buffer.from('data')], 'data from the receiver'],
    ['taken first', [taken(0)], 'taken before from'],
    ['kept first', ['{"type":"kept","offset_bytes":0}'], 'kept before from'],
    ['half a kept', [from({}), '{"type":"kept"}'], 'offset_bytes'],
    ['from twice', [from({}), from({})], 'from was said before'],
    ['a place off the grid', [from({ offset_bytes: 4096 })], 'place.offset_bytes'],
    ['a place before the stream', [from({ offset_bytes: -proof_grid_bytes })], 'place.offset_bytes'],
    ['a place beyond all numbers', [from({ offset_bytes: 2 ** 60 })], 'place.offset_bytes'],
    ['a hash that is none', [from({ hash: '0123456789ABCDEF' })], 'place.hash'],
    ['no hash', ['{"type":"from","place":{"offset_bytes":0}}'], 'place.hash'],
    ['taken before what it has', [from({}), taken(2 * proof_grid_bytes)], 'backwards'],
    ['taken backwards', [from({}), taken(5 * proof_grid_bytes), taken(4 * proof_grid_bytes)], 'backwards'],
    ['half a taken', [from({}), '{"type":"taken"}'], 'offset_bytes'],
    ["the sender's words", [from({}), '{"type":"skipped","offset_bytes":1}'], 'type'],
  ])('refuses from a receiver: %s', async (_what, said, words) => {
    const socket = await pair.rawReceiver();
    const sink = await pair.sinkOf();
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    for (const each of said) socket.send(each);
    expect(await closed).toBe(4003);
    const reason = await sink.write(Buffer.from('x')).catch((thrown: unknown) => thrown as IcbdError);
    expect(reason).toMatchObject({ code: 'InvalidMessage' });
    expect(reason?.message).toContain(words);
    const begun = await sink.begin.catch((thrown: unknown) => thrown);
    expect(begun).toEqual(said.length > 1 ? place : reason);
  });

  it('gives up on a receiver that does not say from where', async () => {
    await pair.dispose();
    pair = await DataPair.start(hurriedClock(limits.handshake_ms, 50));
    const waiting = pair.sinkOf();
    const socket = await pair.rawReceiver();
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    const sink = await waiting;
    await failsWith(sink.begin, { code: 'TimedOut' });
    expect(await closed).toBe(4004);
    await failsWith(sink.write(Buffer.from('x')), { code: 'TimedOut' });
  });

  it('says why a link ended before it was known from where', async () => {
    const ends: [(socket: WebSocket) => void, object][] = [
      [(socket) => socket.terminate(), { code: 'LinkLost' }],
      [(socket) => socket.close(4006, 'not this one'), { code: 'NotPermitted' }],
      [
        (socket) => socket.send(JSON.stringify({ type: 'abort', error: why.toReport() })),
        { code: 'NoSpace', message: 'disk full', subject: '/x' },
      ],
    ];
    for (const [end, what] of ends) {
      const socket = await pair.rawReceiver();
      const sink = await pair.sinkOf();
      end(socket);
      await expect(sink.begin).rejects.toMatchObject(what);
    }
    await pair.rawReceiver();
    const sink = await pair.sinkOf();
    sink.abort(why.toReport());
    await expect(sink.begin).rejects.toMatchObject({ code: 'NoSpace' });
    await expect(sink.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'NoSpace' });
  });
});

describe('a sender that skips for long', () => {
  let pair: DataPair;

  beforeEach(async () => {
    // Not more: the time for a handshake is as long, and is hurried with it.
    pair = await DataPair.start(hurriedClock(ping_interval_ms, 50));
  });
  afterEach(async () => {
    await pair.dispose();
  });

  it.each([
    ['says nothing', 0],
    ['says how far it is', 50],
  ])('is not taken for dead when it %s', async (_what, say_every_ms) => {
    const waiting = pair.sinkOf();
    const source = await pair.openSource(place);
    const sink = await waiting;
    expect(await sink.begin).toEqual(place);
    // A ping each 200 ms: as many as in 80 s.
    for (let passed_ms = 0; passed_ms < 1_600; passed_ms += 50) {
      await pause_ms(50);
      if (say_every_ms > 0) sink.skipped(passed_ms);
    }
    await sink.write(Buffer.from('rest'));
    await sink.end(trailer);
    expect(await textsOf(source)).toEqual(['rest']);
  });

  it('learns that its receiver is gone', async () => {
    const waiting = pair.sinkOf();
    const socket = await pair.rawReceiver();
    socket.send(from_start);
    const sink = await waiting;
    await sink.begin;
    socket.pause();
    const ended = new Promise<void>((resolve) => {
      sink.onFinished = resolve;
    });
    await ended;
    const writing = sink.write(Buffer.from('x'));
    await expect(writing).rejects.toMatchObject({ code: 'LinkLost', message: 'the peer is silent' });
  });
});

describe('a replica that dials again', () => {
  let pair: DataPair;

  beforeEach(async () => {
    pair = await DataPair.start(hurriedClock(replaced_linger_ms, 40));
  });
  afterEach(async () => {
    await pair.dispose();
  });

  /** As after a cut cable: the server knows nothing of the end of the link. */
  async function halfOpen(): Promise<WebSocket> {
    const socket = await pair.rawReceiver();
    socket.send(from_start);
    socket.pause();
    return socket;
  }

  it('ends the link that the transfer still writes to, and its new one waits for the transfer', async () => {
    const socket = await halfOpen();
    const old = await pair.sinkOf();
    await old.begin;
    const sending = (async () => {
      for (;;) await old.write(Buffer.alloc(limits.block_bytes));
    })();
    const lost = failsWith(sending, { code: 'LinkLost', message: 'a newer data link took its place' });
    await pause_ms(100);
    const source = await pair.openSource(place);
    await lost;
    expect(pair.log).toMatchObject([{ kind: 'data_refused', error: { code: 'LinkLost' } }]);
    await pause_ms(100);
    const sink = await pair.sinkOf();
    expect(await sink.begin).toEqual(place);
    await sink.write(Buffer.from('rest'));
    await sink.end(trailer);
    expect(await textsOf(source)).toEqual(['rest']);
    // The old socket does not stay until liveness finds it.
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.resume();
    expect(await closed).toBe(1006);
  });

  it('tells an old receiver that is alive why its link ends', async () => {
    const old = await pair.openSource();
    await (await pair.sinkOf()).begin;
    await pair.openSource(place);
    await failsWith(textsOf(old), { code: 'LinkLost', message: 'a newer data link took its place' });
    expect(await (await pair.sinkOf()).begin).toEqual(place);
  });

  it('is heard at once by a transfer that waits again, and the last one wins', async () => {
    const sinks = [];
    for (let round = 0; round < 4; round += 1) {
      await halfOpen();
      // Held the first time, waited for the others.
      if (round === 0) await pause_ms(50);
      sinks.push(await pair.sinkOf());
    }
    const source = await pair.openSource(place);
    const last = await pair.sinkOf();
    for (const sink of sinks) {
      await failsWith(sink.write(Buffer.from('x')), { message: 'a newer data link took its place' });
    }
    await last.begin;
    await last.write(Buffer.from('rest'));
    await last.end(trailer);
    expect(await textsOf(source)).toEqual(['rest']);
  });

  it('replaces the link that is held', async () => {
    const first = await pair.openSource();
    await pause_ms(50);
    await pair.openSource(place);
    await failsWith(textsOf(first), { code: 'LinkLost', message: 'a newer data link took its place' });
    expect(await (await pair.sinkOf()).begin).toEqual(place);
  });

  it('does not disturb the links of other sessions, nor find fault with one that is complete', async () => {
    const { source, sink } = await pair.open();
    await pair.client.openData({ ...for_replica, attempt: 3 }, { from: stream_start });
    await sink.write(Buffer.from('all'));
    await sink.end(trailer);
    expect(await textsOf(source)).toEqual(['all']);
    await pause_ms(50);
    await pair.openSource();
    expect(await (await pair.sinkOf()).begin).toEqual(stream_start);
    expect(pair.log).toEqual([]);
  });
});

describe('a receiver with a sender that errs', () => {
  const servers: WebSocketServer[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      for (const socket of server.clients) socket.terminate();
      server.close();
    }
  });

  it.each([
    ['skipped after a block', [Buffer.from('a'), '{"type":"skipped","offset_bytes":1}'], 'skipped after'],
    ['a block after the end', [JSON.stringify({ type: 'end', trailer }), Buffer.from('a')], 'more after'],
    ["the receiver's words", [taken(1)], 'type'],
    ['a negative offset', ['{"type":"skipped","offset_bytes":-1}'], 'offset_bytes'],
  ])('refuses %s', async (_what, said, words) => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    servers.push(server);
    await new Promise((resolve) => server.once('listening', resolve));
    const first = new Promise<string>((resolve) => {
      server.on('connection', (socket) => {
        socket.on('message', (data: Buffer) => resolve(data.toString()));
        for (const each of said) socket.send(each);
      });
    });
    const { port } = server.address() as { port: number };
    const socket = new WebSocket(`ws://127.0.0.1:${String(port)}`);
    const source = await new Promise<WsDataSource>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('upgrade', ({ socket: network }) => {
        socket.on('open', () => {
          resolve(new WsDataSource(prepareWire(socket, network), real_clock, place));
        });
      });
    });
    expect(await first).toBe(from({}));
    const reason = await textsOf(source).catch((thrown: unknown) => thrown as IcbdError);
    expect(reason).toMatchObject({ code: 'InvalidMessage' });
    expect((reason as IcbdError).message).toContain(words);
  });
});
