import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IcbdError } from '../../../src/core/errors.js';
import { stream_start } from '../../../src/core/data_path.js';
import {
  createLinkClient,
  type LinkClient,
  type LinkClientOptions,
} from '../../../src/transport/link_client.js';
import {
  createLinkServer,
  type LinkServer,
  type LinkServerOptions,
} from '../../../src/transport/link_server.js';
import { name_links_max } from '../../../src/transport/name_links.js';
import { messageOf, Recorder, until } from '../../contract/link/control_link_suite.js';
import { knownSecret, master, replica, secret, secrets } from './support.js';

describe('links for names', () => {
  let here: Recorder;
  let server: LinkServer;
  const asked: { node: string; method: string }[] = [];
  const ends: (() => void | Promise<void>)[] = [];

  async function serve(changes: Partial<LinkServerOptions> = {}): Promise<LinkServer> {
    const made = await createLinkServer({
      ...master,
      host: '127.0.0.1',
      port: 0,
      secretOf: knownSecret,
      handlers: here,
      names: {
        onRequest: (link, { method, params }) => {
          asked.push({ node: link.peer.node, method });
          return Promise.resolve(params);
        },
      },
      ...changes,
    });
    ends.push(() => made.close());
    return made;
  }

  function join(changes: Partial<LinkClientOptions> = {}): { client: LinkClient; heard: Recorder } {
    const heard = new Recorder();
    const url = `ws://127.0.0.1:${String(server.port)}`;
    const client = createLinkClient({
      ...replica,
      url,
      secret,
      handlers: heard,
      purpose: 'names',
      ...changes,
    });
    ends.push(() => {
      client.stop();
    });
    client.start();
    return { client, heard };
  }

  /** Why the server refuses this link. */
  function refusal(changes: Partial<LinkClientOptions>): Promise<IcbdError> {
    return new Promise((resolve) => {
      join({ ...changes, onRefused: resolve });
    });
  }

  beforeEach(async () => {
    here = new Recorder();
    asked.length = 0;
    server = await serve();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  it('stand beside the control link of their node, several at a time', async () => {
    const control = join({ purpose: 'control' });
    const first = join();
    const second = join();
    const control_link = await until(() => control.heard.up[0]);
    const links = [await until(() => first.heard.up[0]), await until(() => second.heard.up[0])];
    for (const [index, link] of links.entries())
      expect(await link.request({ method: 'names.list', params: index })).toBe(index);
    expect(await control_link.request({ method: 'echo', params: 'control' })).toBe('control');
    expect(asked).toEqual(Array.from({ length: 2 }, () => ({ node: 'replica-1', method: 'names.list' })));
    expect([...control.heard.down, ...first.heard.down, ...second.heard.down]).toEqual([]);
    expect(here.up).toHaveLength(1);
  });

  it('end when something durable is said on them', async () => {
    const control = join({ purpose: 'control' });
    const { heard } = join();
    const link = await until(() => heard.up[0]);
    await until(() => control.heard.up[0]);
    link.sendMessage(messageOf(1, 'master'), 1);
    const { reason } = await until(() => heard.down[0]);
    expect(reason).toMatchObject({ code: 'InvalidMessage', operation: 'names link' });
    expect(here.messages).toEqual([]);
    expect(control.heard.down).toEqual([]);
  });

  it(`are ${String(name_links_max)} for one node: the oldest gives way`, async () => {
    const first = join();
    await until(() => first.heard.up[0]);
    const others = Array.from({ length: name_links_max }, () => join());
    for (const { heard } of others) await until(() => heard.up[0]);
    expect((await until(() => first.heard.down[0])).reason.message).toContain('more than');
  });

  it('go down with the server', async () => {
    const { heard } = join();
    await until(() => heard.up[0]);
    await server.close();
    expect((await until(() => heard.down[0])).reason.code).toBe('Interrupted');
  });

  it('may have secrets of their own', async () => {
    const own = Buffer.from('a secret that is known to names only');
    server = await serve({
      names: { secretOf: () => own, onRequest: () => Promise.resolve('named') },
    });
    expect((await refusal({})).code).toBe('AuthenticationFailed');
    const { heard } = join({ secret: own });
    const link = await until(() => heard.up[0]);
    expect(await link.request({ method: 'names.ping', params: null })).toBe('named');
    expect((await refusal({ purpose: 'control', secret: own })).code).toBe('AuthenticationFailed');
  });

  it('are refused by a server without names, to who has proven itself', async () => {
    server = await serve({ names: undefined });
    const refused = await refusal({});
    expect(refused).toMatchObject({ code: 'NotPermitted', operation: 'names link', subject: 'replica-1' });
    expect((await refusal({ secret: Buffer.from('not the secret of anybody') })).code).toBe(
      'AuthenticationFailed',
    );
  });

  it('are all that a name server of its own takes', async () => {
    server = await serve({ handlers: undefined });
    const { client, heard } = join();
    const link = await until(() => heard.up[0]);
    expect(await link.request({ method: 'names.ping', params: 7 })).toBe(7);
    const refused = await refusal({
      purpose: 'control',
      node: 'replica-2',
      secret: Buffer.from(secrets.get('replica-2') ?? ''),
    });
    expect(refused).toMatchObject({ code: 'NotPermitted', operation: 'control link' });
    expect(refused.hint).toContain('name server only');
    await expect(client.openData({ transfer: '1-abcd', attempt: 1 }, { from: stream_start })).rejects.toThrow(
      expect.objectContaining({ code: 'NotPermitted', operation: 'data link' }),
    );
  });
});
