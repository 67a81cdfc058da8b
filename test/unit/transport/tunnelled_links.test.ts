import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stream_start } from '../../../src/core/data_path.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { ConnectThrough } from '../../../src/transport/link_client.js';
import type { TransportLog } from '../../../src/transport/transport_log.js';
import { Recorder, until } from '../../contract/link/control_link_suite.js';
import { DataPair, for_replica, session } from './data_pair.js';

const bytes_sent = 5_000_000;

describe('links through a unix socket', () => {
  let pair: DataPair;
  let directory: string;
  let tunnel: Server;
  let passed: number;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'icbdrep-links-'));
    pair = await DataPair.start();
    passed = 0;
    tunnel = createServer((here) => {
      passed += 1;
      const there = connect({ host: '127.0.0.1', port: pair.server.port });
      sockets.push(here, there);
      for (const socket of [here, there]) socket.on('error', () => undefined);
      here.pipe(there).pipe(here);
    });
    await new Promise<void>((resolve) => tunnel.listen(join(directory, 'sock'), resolve));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await pair.dispose();
    await new Promise((resolve) => tunnel.close(resolve));
    rmSync(directory, { recursive: true, force: true });
  });

  const through: ConnectThrough = () => Promise.resolve(join(directory, 'sock'));
  /** Only what asked for it, as with via_for = "asked". */
  const when_asked: ConnectThrough = (url, link) =>
    link.is_tunnelled ? through(url, link) : Promise.resolve(undefined);

  it('carry control links', async () => {
    const handlers = new Recorder();
    const client = pair.clientOf({ handlers, connectThrough: through });
    client.start();
    const link = await until(() => handlers.up[0]);
    expect(link.peer).toMatchObject({ node: 'master' });
    expect(link.peer.address).toContain(`through ${join(directory, 'sock')}`);
    expect(await link.request({ method: 'echo', params: 'x' })).toBe('x');
    expect(passed).toBe(1);
    client.stop();
  });

  it.each([true, false])('carry data links if asked: %s', async (is_tunnelled) => {
    const client = pair.clientOf({ connectThrough: when_asked });
    const waiting = pair.server.waitForData(for_replica);
    const source = await client.openData(session, { from: stream_start, is_tunnelled });
    const sink = await waiting;
    await sink.begin;
    const writing = (async () => {
      for (let at = 0; at < bytes_sent; at += 1_000_000)
        await sink.write(Buffer.alloc(1_000_000, at / 1_000_000));
      await sink.end({ stream_bytes: bytes_sent, hash: '0123456789abcdef' });
    })();
    const blocks: Buffer[] = [];
    for await (const block of source.blocks) blocks.push(Buffer.from(block));
    await writing;
    expect(blocks.map((block) => [block.length, block[0], block.at(-1)])).toEqual(
      [0, 1, 2, 3, 4].map((index) => [1_000_000, index, index]),
    );
    expect(passed).toBe(is_tunnelled ? 1 : 0);
  });

  it('fail with the reason of the tunnel, and are tried again', async () => {
    const handlers = new Recorder();
    const log: TransportLog[] = [];
    let is_up = false;
    const down = new IcbdError('TunnelFailed', 'host key verification failed', { operation: 'ssh tunnel' });
    const connectThrough: ConnectThrough = (url, link) => (is_up ? through(url, link) : Promise.reject(down));
    const client = pair.clientOf({ handlers, connectThrough, log: (entry) => log.push(entry) });
    await expect(client.openData(session, { from: stream_start })).rejects.toBe(down);
    client.start();
    await until(() => log[0]);
    expect(log[0]).toMatchObject({ kind: 'dial_failed', error: { code: 'TunnelFailed' } });
    is_up = true;
    await until(() => handlers.up[0]);
    client.stop();
  });

  it('are given up while there is no way through yet', async () => {
    const client = pair.clientOf({ connectThrough: () => new Promise(() => undefined) });
    const controller = new AbortController();
    const opening = client.openData(session, { from: stream_start, signal: controller.signal });
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: 'Cancelled' });
  });
});
