/** What every pair of control links must do, whatever carries it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IcbdError, type ErrorReport } from '../../../src/core/errors.js';
import type { ControlLink, IncomingMessage, LinkHandlers, Request } from '../../../src/core/link.js';
import type { OutgoingMessage } from '../../../src/core/records.js';

export class Recorder implements LinkHandlers {
  readonly up: ControlLink[] = [];
  readonly down: { link: ControlLink; reason: ErrorReport }[] = [];
  readonly order: string[] = [];
  readonly messages: IncomingMessage[] = [];
  readonly acknowledged: number[] = [];
  answer: (request: Request) => Promise<unknown> = (request) => Promise.resolve(request.params);
  onMessageThrows: Error | undefined;

  onUp(link: ControlLink): void {
    this.up.push(link);
    this.order.push(`up ${link.session}`);
  }
  onDown(link: ControlLink, reason: ErrorReport): void {
    this.down.push({ link, reason });
    this.order.push(`down ${link.session}`);
  }
  onMessage(_link: ControlLink, message: IncomingMessage): void {
    if (this.onMessageThrows !== undefined) throw this.onMessageThrows;
    this.messages.push(message);
  }
  onAcknowledged(_link: ControlLink, message_id: number): void {
    this.acknowledged.push(message_id);
  }
  onRequest(_link: ControlLink, request: Request): Promise<unknown> {
    return this.answer(request);
  }
}

/** Waits until `ready` gives something, at most 8 s. */
export async function until<T>(ready: () => T | undefined | false, what = String(ready)): Promise<T> {
  const deadline_ms = Date.now() + 8_000;
  for (;;) {
    const found = ready();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline_ms) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Starts to wait for a failure; await it when what causes it is done. */
export async function failsWith(work: Promise<unknown>, what: object): Promise<void> {
  await expect(work).rejects.toMatchObject(what);
}

export function messageOf(id: number, peer: string): OutgoingMessage {
  return {
    id,
    peer,
    to: { kind: 'reception', id: `r${String(id)}` },
    create: { image: 'debian' },
    event: { type: 'offer', n: id },
  };
}

export interface LinkPair {
  readonly server: Recorder;
  readonly client: Recorder;
  connect(): void;
  /** A second client of the same node name. */
  connectRival(handlers: LinkHandlers): void;
  /** Nothing passes between the two any more, and nothing breaks, until `resume`. */
  pause(): void;
  resume(): void;
  dispose(): Promise<void>;
}

const reason = new IcbdError('Cancelled', 'enough', { operation: 'test', hint: 'none' }).toReport();

export function describeControlLinks(name: string, makePair: () => Promise<LinkPair>): void {
  describe(`control links: ${name}`, () => {
    let pair: LinkPair;
    let here: ControlLink;
    let there: ControlLink;
    beforeEach(async () => {
      pair = await makePair();
      pair.connect();
      here = await until(() => pair.server.up[0]);
      there = await until(() => pair.client.up[0]);
    });
    afterEach(async () => {
      await pair.dispose();
    });

    it('tells each end who the other is', () => {
      expect(here.peer).toMatchObject({ node: 'replica-1', instance: 'instance-r' });
      expect(there.peer).toMatchObject({ node: 'master', instance: 'instance-m' });
      expect(there.peer.capabilities.codecs).toEqual(['none', 'lz4']);
    });

    it('carries messages in order with their floor, and acknowledges each', async () => {
      for (let id = 1; id <= 50; id += 1) here.sendMessage(messageOf(id, 'replica-1'), 1);
      there.sendMessage(messageOf(7, 'master'), 5);
      await until(() => pair.server.acknowledged.length === 50);
      await until(() => pair.client.acknowledged.length === 1);
      expect(pair.client.messages.map(({ id }) => id)).toEqual(
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
      expect(pair.server.acknowledged).toEqual(pair.client.messages.map(({ id }) => id));
      expect(pair.server.messages).toEqual([{ ...messageOf(7, 'master'), peer: 'replica-1', floor: 5 }]);
    });

    it('does not acknowledge what its handler could not take, and ends the link', async () => {
      pair.client.onMessageThrows = new IcbdError('NoSpace', 'disk full', { operation: 'commit' });
      here.sendMessage(messageOf(1, 'replica-1'), 1);
      const { reason: why } = await until(() => pair.server.down[0]);
      expect(why).toMatchObject({ code: 'NoSpace', message: 'disk full' });
      expect(pair.server.acknowledged).toEqual([]);
    });

    it('answers many requests at once, in both directions', async () => {
      const asked = Array.from({ length: 100 }, (_, n) => here.request({ method: 'echo', params: { n } }));
      expect(await there.request({ method: 'echo', params: 'back' })).toBe('back');
      expect(await Promise.all(asked)).toEqual(Array.from({ length: 100 }, (_, n) => ({ n })));
    });

    it("hands on the handler's error", async () => {
      pair.client.answer = () =>
        Promise.reject(
          new IcbdError('ImageNotFound', 'no image x', { operation: 'list', subject: 'x', hint: 'add it' }),
        );
      await expect(here.request({ method: 'list', params: null })).rejects.toMatchObject({
        code: 'ImageNotFound',
        message: 'no image x',
        subject: 'x',
        hint: 'add it',
      });
      pair.client.answer = () => {
        throw new Error('plain');
      };
      await expect(here.request({ method: 'list', params: null })).rejects.toMatchObject({
        code: 'Internal',
      });
    });

    it('gives a request up after its time, and does not mind the late answer', async () => {
      const waiting: ((value: string) => void)[] = [];
      pair.client.answer = () => new Promise((resolve) => waiting.push(resolve));
      await expect(here.request({ method: 'slow', params: null }, { timeout_ms: 30 })).rejects.toMatchObject({
        code: 'TimedOut',
      });
      waiting[0]?.('late');
      pair.client.answer = () => Promise.resolve('next');
      expect(await here.request({ method: 'next', params: null })).toBe('next');
    });

    it('gives a request up when its signal says so', async () => {
      pair.client.answer = () => new Promise(() => undefined);
      const controller = new AbortController();
      const asked = here.request({ method: 'slow', params: null }, { signal: controller.signal });
      controller.abort();
      await expect(asked).rejects.toMatchObject({ code: 'Cancelled' });
    });

    it('asks the other end for a sign of life, in both directions, without its handlers', async () => {
      pair.client.answer = () => new Promise(() => undefined);
      for (const link of [here, there]) {
        const round_trip_ms = await link.ping({ timeout_ms: 5_000 });
        expect(round_trip_ms).toBeGreaterThanOrEqual(0);
        expect(round_trip_ms).toBeLessThan(5_000);
      }
      const many = await Promise.all(Array.from({ length: 20 }, () => here.ping({ timeout_ms: 5_000 })));
      expect(many.every((round_trip_ms) => round_trip_ms !== null)).toBe(true);
    });

    it('says that no sign of life came in time, and does not mind one that comes late', async () => {
      pair.pause();
      await expect(here.ping({ timeout_ms: 50 })).rejects.toMatchObject({
        code: 'TimedOut',
        operation: 'ping',
        subject: 'replica-1',
      });
      pair.resume();
      expect(await here.ping({ timeout_ms: 5_000 })).not.toBeNull();
      expect([...pair.server.down, ...pair.client.down]).toEqual([]);
    });

    it('fails a ping when the link ends, and on a link that has ended', async () => {
      pair.pause();
      const failed = failsWith(here.ping({ timeout_ms: 5_000 }), { code: 'LinkLost' });
      here.close(reason);
      await failed;
      await expect(here.ping({ timeout_ms: 5_000 })).rejects.toMatchObject({ code: 'LinkLost' });
      pair.resume();
    });

    it('tells the reason of a close to the other end, once to each, and fails what was asked', async () => {
      pair.client.answer = () => new Promise(() => undefined);
      const asked = here.request({ method: 'slow', params: null });
      const failed = failsWith(asked, { code: 'LinkLost' });
      here.close(reason);
      here.close(reason);
      await failed;
      const { reason: told } = await until(() => pair.client.down[0]);
      expect(told).toEqual(reason);
      expect(pair.server.down.map(({ link }) => link)).toEqual([here]);
      await expect(here.request({ method: 'echo', params: null })).rejects.toMatchObject({
        code: 'LinkLost',
      });
      here.sendMessage(messageOf(1, 'replica-1'), 1);
    });

    it('comes up again after a loss, under another session', async () => {
      here.close(reason);
      const again = await until(() => pair.client.up[1]);
      expect(again.session).not.toBe(there.session);
      const here_again = await until(() => pair.server.up[1]);
      expect(here_again.session).not.toBe(here.session);
      expect(await here_again.request({ method: 'echo', params: 1 })).toBe(1);
    });

    it('has one link for each node: the newer replaces the older, which is down before', async () => {
      const rival = new Recorder();
      pair.connectRival(rival);
      await until(() => rival.up[0]);
      await until(() => pair.server.up[1]);
      expect(pair.server.order.slice(0, 3)).toEqual([
        `up ${here.session}`,
        `down ${here.session}`,
        `up ${pair.server.up[1]?.session ?? ''}`,
      ]);
    });
  });
}
