import { afterEach, describe, expect, test } from 'vitest';
import type { ControlLink } from '../../../../src/core/link.js';
import { FindMaster } from '../../../../src/daemon/names/find_master.js';
import { NameServerLink } from '../../../../src/daemon/names/name_server_link.js';
import { RemoteNames } from '../../../../src/daemon/names/remote_names.js';
import { tries_max, try_wait_ms } from '../../../../src/transport/discovery_asker.js';
import { hurriedClock, real_clock } from '../../transport/support.js';
import {
  closedPort,
  identity,
  startAnswerer,
  startNames,
  startTarpit,
  strangers_secret,
} from './discovery_support.js';
import { Lines } from './keeper_support.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function opened<T extends { close(): unknown }>(thing: T): T {
  closing.push(() => thing.close());
  return thing;
}

interface Looking {
  readonly server?: string;
  readonly local_ports?: readonly number[];
  readonly broadcast_port?: number;
}

interface Seen {
  readonly link: NameServerLink;
  readonly log: Lines;
  readonly fields: object[];
  readonly ups: ControlLink[];
  readonly downs: ControlLink[];
}

const namesAt = (link: ControlLink): RemoteNames => new RemoteNames(link, real_clock);
const clock = hurriedClock(try_wait_ms, 10);

function look({ server, local_ports, broadcast_port }: Looking): Seen {
  const log = new Lines();
  const fields: object[] = [];
  const ups: ControlLink[] = [];
  const downs: ControlLink[] = [];
  const near =
    broadcast_port === undefined
      ? {}
      : { near: { local_ports: local_ports ?? [], broadcast_address: '127.0.0.1', broadcast_port } };
  const link = new NameServerLink({
    identity: { ...identity, clock },
    where: { ...(server === undefined ? {} : { server }), ...near },
    onUp: (up) => void ups.push(up),
    onDown: (down) => void downs.push(down),
    log: {
      debug: log.debug,
      info: log.info,
      warn: (entry, message) => {
        fields.push(entry);
        log.warn(entry, message);
      },
    },
  });
  closing.push(() => link.stop());
  return { link, log, fields, ups, downs };
}

describe('the link to the name server', () => {
  test('the configured address comes before all others', async () => {
    const wanted = opened(await startNames('wanted'));
    const near = opened(await startNames('near'));
    const answerer = opened(await startAnswerer([{ node: 'far', port: near.port }]));
    const { link, ups } = look({
      server: wanted.url,
      local_ports: [near.port],
      broadcast_port: answerer.port,
    });
    expect((await link.untilUp()).peer.node).toBe('wanted');
    expect(ups).toHaveLength(1);
    expect(answerer.asked()).toBe(0);
  });

  test('then this machine, the first port before the second', async () => {
    const second = opened(await startNames('second'));
    const answerer = opened(await startAnswerer([]));
    const closed = await closedPort();
    const { link } = look({ local_ports: [closed, second.port], broadcast_port: answerer.port });
    expect((await link.untilUp()).peer.node).toBe('second');
    expect(answerer.asked()).toBe(0);
  });

  test('then a broadcast; whoever answers first and cannot prove itself is passed over', async () => {
    const right = opened(await startNames('names'));
    const liar = opened(await startNames('names', strangers_secret));
    const closed = await closedPort();
    const answerer = opened(
      await startAnswerer([
        { node: 'names', port: liar.port },
        { node: 'names', port: closed },
        { node: 'names', port: right.port },
      ]),
    );
    const { link, log, fields } = look({ broadcast_port: answerer.port });
    const up = await link.untilUp();
    expect(up.peer.instance).toBe('instance-names');
    expect(up.peer.address).toContain(String(right.port));
    expect(log.lines.filter((line) => line.startsWith('warn'))).toEqual(['warn passed over as name server']);
    expect(fields[0]).toMatchObject({ where: liar.url, error: { code: 'AuthenticationFailed' } });
  });

  test('one that takes connections and says nothing does not stop the search', async () => {
    const right = opened(await startNames('names'));
    const pit = opened(await startTarpit());
    const answerer = opened(
      await startAnswerer([
        { node: 'names', port: pit.port },
        { node: 'names', port: right.port },
      ]),
    );
    const { link } = look({ broadcast_port: answerer.port });
    expect((await link.untilUp()).peer.address).toContain(String(right.port));
  });

  test('where nobody is, three requests go out and the error says where it looked', async () => {
    const answerer = opened(await startAnswerer([]));
    const closed = await closedPort();
    const server = `ws://127.0.0.1:${await closedPort()}`;
    const { link } = look({ server, local_ports: [closed], broadcast_port: answerer.port });
    const failure: unknown = await link.untilUp().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'LinkLost', retryable: true });
    const { message, hint } = failure as { message: string; hint: string };
    expect(message).toContain(server);
    expect(message).toContain(`ws://127.0.0.1:${closed}`);
    expect(message).toContain(`broadcast to 127.0.0.1:${answerer.port}: no answer in 3 tries`);
    expect(hint).toContain('names.server');
    expect(answerer.asked()).toBe(tries_max);
  });

  test('with an authority for certificates, one found without TLS is not even dialled', async () => {
    const right = opened(await startNames('names'));
    const answerer = opened(await startAnswerer([{ node: 'names', port: right.port }]));
    const log = new Lines();
    const link = new NameServerLink({
      identity: { ...identity, clock, tls_ca: Buffer.from('unused') },
      where: { near: { local_ports: [], broadcast_address: '127.0.0.1', broadcast_port: answerer.port } },
      onUp: () => undefined,
      onDown: () => undefined,
      log,
    });
    closing.push(() => link.stop());
    await expect(link.untilUp()).rejects.toMatchObject({
      message: expect.stringContaining('no TLS') as string,
    });
    expect(log.lines).toContain('warn passed over as name server');
  });

  test('a lost one is looked for again, and found where it is then', async () => {
    const first = await startNames('names');
    const { link, ups, downs } = look({ server: first.url });
    await link.untilUp();
    await first.close();
    const again = opened(await startNames('names', undefined, first.port));
    expect((await link.untilUp()).peer.address).toContain(String(again.port));
    expect(ups).toHaveLength(2);
    expect(downs).toEqual([ups[0]]);
  });

  test('stopping ends the link and the search, and who waits hears it', async () => {
    const server = opened(await startNames('names'));
    const { link, downs } = look({ server: server.url });
    const up = await link.untilUp();
    link.stop();
    await expect(up.request({ method: 'names.ping', params: {} })).rejects.toMatchObject({
      code: 'LinkLost',
    });
    expect(downs).toEqual([up]);
    const nowhere = look({ server: `ws://127.0.0.1:${await closedPort()}` });
    const waiting = nowhere.link.untilUp();
    nowhere.link.stop();
    await expect(waiting).rejects.toMatchObject({ code: 'Interrupted' });
  });
});

describe('where the master is', () => {
  test('as configured, whatever a name server says', async () => {
    const finder = new FindMaster({
      url: 'ws://a:1',
      wants_tls: false,
      nameServer: () => Promise.reject(new Error('nobody asks')),
      namesAt,
    });
    expect(await finder.url()).toBe('ws://a:1');
    finder.forget();
    expect(finder.known).toBe('ws://a:1');
  });

  test('as the name server says, until it is told to forget that', async () => {
    const server = opened(await startNames('names'));
    const { link } = look({ server: server.url });
    let lookups = 0;
    const finder = new FindMaster({
      wants_tls: false,
      nameServer: () => {
        lookups += 1;
        return link.untilUp();
      },
      namesAt,
    });
    const master = { node: 'master', role: 'master' } as const;
    await expect(finder.url()).rejects.toMatchObject({
      code: 'NameNotFound',
      retryable: true,
      message: 'the name server names knows no master',
    });
    server.registry.register(master, { name: 'icbdrep.master', address: 'ws://10.0.0.1:9410' });
    expect(await finder.url()).toBe('ws://10.0.0.1:9410');
    server.registry.register(master, { name: 'icbdrep.master', address: 'ws://10.0.0.2:9410' });
    expect(await finder.url()).toBe('ws://10.0.0.1:9410');
    expect(lookups).toBe(2);
    finder.forget();
    expect(finder.known).toBe('');
    expect(await finder.url()).toBe('ws://10.0.0.2:9410');
  });

  test.each([
    ['10.0.0.1:9410', false],
    ['ws://10.0.0.1:9410', true],
    ['http://10.0.0.1', false],
  ])('an address that cannot be dialled is refused: %s', async (address, wants_tls) => {
    const server = opened(await startNames('names'));
    const { link } = look({ server: server.url });
    server.registry.register({ node: 'm', role: 'master' }, { name: 'icbdrep.master', address });
    const finder = new FindMaster({ wants_tls, nameServer: () => link.untilUp(), namesAt });
    await expect(finder.url()).rejects.toMatchObject({ code: 'InvalidConfig', subject: address });
  });
});

describe('a name server over a link', () => {
  test('answers as the registry does, and its errors keep their codes', async () => {
    const server = opened(await startNames('names'));
    const { link } = look({ server: server.url });
    const names = new RemoteNames(await link.untilUp(), real_clock);
    const mine = { name: 'mine', address: 'a:1', metadata: ['b', 'a'], lease_s: 60 };
    expect(await names.register(mine)).toMatchObject({ owner: 'r1', metadata: ['a', 'b'], lease_s: 60 });
    expect(await names.renew()).toEqual({ renewed: ['mine'] });
    expect(await names.lookup('mine')).toMatchObject({ address: 'a:1' });
    expect(await names.setMetadata('mine', ['c'])).toMatchObject({ metadata: ['c'] });
    expect((await names.list()).map(({ name }) => name)).toEqual(['icbdrep.nameserver', 'mine']);
    expect(await names.list({ prefix: 'mi', metadata_any: ['c'] })).toHaveLength(1);
    expect(await names.ping()).toMatchObject({ node: 'names', names: 2, address: server.url });
    expect(await names.remove({ name: 'mine' })).toEqual({ removed: 1, names: ['mine'] });
    expect(await names.removed(1)).toMatchObject([{ name: 'mine', reason: 'removed by r1' }]);
    await expect(names.lookup('mine')).rejects.toMatchObject({ code: 'NameNotFound' });
    await expect(names.register({ ...mine, name: 'icbdrep.nameserver', safe: true })).rejects.toMatchObject({
      code: 'NameAlreadyRegistered',
    });
    const change = { name: 'x', state: 'suspect', reason: 'slow' } as const;
    await expect(names.report(change)).rejects.toMatchObject({ code: 'NotPermitted' });
    await expect(names.list({ regex: '(' })).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(names.list({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'Cancelled',
    });
  });

  test('what is no answer is refused', async () => {
    const peer = { node: 'odd', instance: 'i', capabilities: identity.capabilities, address: 'a' };
    const odd = new RemoteNames({ peer, request: () => Promise.resolve([{ name: 7 }]) }, real_clock);
    await expect(odd.list()).rejects.toMatchObject({ code: 'InvalidMessage', subject: 'odd' });
  });
});
