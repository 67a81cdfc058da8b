/** Five hundred real links to one server that goes away and comes back. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LinkHandlers } from '../../../src/core/link.js';
import { createLinkClient, type LinkClient } from '../../../src/transport/link_client.js';
import { createLinkServer, type LinkServer } from '../../../src/transport/link_server.js';
import { FaultProxy } from '../../support/fault_proxy.js';
import { capabilities, master, real_clock, secret } from '../../unit/transport/support.js';

const count = 500;
/** What a server takes at a time, and so the most that there may be in 100 ms; a third of it is what is seen. */
const handshakes_max = 128;
const sleep = (delay_ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delay_ms));

/** Most of `times_ms`, which grow, in any 100 ms. */
function peakOf(times_ms: readonly number[]): number {
  let from = 0;
  let peak = 0;
  for (const [index, at_ms] of times_ms.entries()) {
    while ((times_ms[from] ?? 0) <= at_ms - 100) from += 1;
    peak = Math.max(peak, index - from + 1);
  }
  return peak;
}

const quiet: LinkHandlers = {
  onUp: () => undefined,
  onDown: () => undefined,
  onMessage: () => undefined,
  onAcknowledged: () => undefined,
  onRequest: (_link, { params }) => Promise.resolve(params),
};

describe('500 links', () => {
  let server: LinkServer;
  let proxy: FaultProxy;
  let clients: LinkClient[];
  const online = new Set<string>();
  /** When a handshake was begun, unix ms. */
  let handshakes_ms: number[] = [];
  let refused = 0;

  const serve = (port: number): Promise<LinkServer> =>
    createLinkServer({
      ...master,
      host: '127.0.0.1',
      port,
      secretOf: () => {
        handshakes_ms.push(Date.now());
        return secret;
      },
      handlers: {
        ...quiet,
        onUp: ({ peer }) => void online.add(peer.node),
        onDown: ({ peer }) => void online.delete(peer.node),
      },
    });

  async function untilAllAreBack(within_ms: number): Promise<number> {
    const start_ms = Date.now();
    while (online.size < count) {
      if (Date.now() - start_ms > within_ms) throw new Error(`${online.size} of ${count} are back`);
      await sleep(10);
    }
    return Date.now() - start_ms;
  }

  const log = (entry: { kind: string; error?: { message: string } }): void => {
    if (entry.error?.message.includes('503') === true) refused += 1;
  };

  const tell = (took_ms: number, peak: number): void => {
    const all = `${String(took_ms)} ms until all ${String(count)} are back`;
    process.stdout.write(
      `${all}, at most ${String(peak)} handshakes in 100 ms, ${String(refused)} refused\n`,
    );
  };

  beforeEach(async () => {
    online.clear();
    server = await serve(0);
    proxy = await FaultProxy.listen(server.port);
    const url = `ws://127.0.0.1:${String(proxy.port)}`;
    clients = Array.from({ length: count }, (_, index) => {
      const node = `replica-${String(index)}`;
      const identity = { node, instance: node, capabilities, clock: real_clock, randomBytes };
      return createLinkClient({ ...identity, url, secret, handlers: quiet, log });
    });
    // Slowly enough that no first attempt fails: the waiting times have not begun to grow then.
    for (const [index, client] of clients.entries()) {
      client.start();
      if (index % 20 === 0) await sleep(20);
    }
    await untilAllAreBack(60_000);
    handshakes_ms = [];
    refused = 0;
  }, 90_000);

  afterEach(async () => {
    for (const client of clients) client.stop();
    await server.close();
    await proxy.close();
  });

  it('are up again soon, one by one, after the server stopped in order and started at once', async () => {
    const { port } = server;
    await server.close();
    expect(online.size).toBe(0);
    server = await serve(port);
    const took_ms = await untilAllAreBack(20_000);
    const peak = peakOf(handshakes_ms);
    tell(took_ms, peak);
    expect(peak).toBeLessThanOrEqual(handshakes_max);
    // The server knows of a link a moment before its client does.
    await expect
      .poll(() => new Set(clients.map(({ link }) => link?.peer.node)), { timeout: 10_000 })
      .toEqual(new Set(['master']));
  }, 120_000);

  it('are up again after the server was gone without a word for a while', async () => {
    proxy.refuses = true;
    proxy.cut('all');
    await sleep(2_000);
    handshakes_ms = [];
    proxy.refuses = false;
    const took_ms = await untilAllAreBack(40_000);
    const peak = peakOf(handshakes_ms);
    tell(took_ms, peak);
    expect(peak).toBeLessThanOrEqual(handshakes_max);
  }, 120_000);
});
