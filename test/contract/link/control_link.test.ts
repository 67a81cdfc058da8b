import { createLinkClient, type LinkClient } from '../../../src/transport/link_client.js';
import { createLinkServer } from '../../../src/transport/link_server.js';
import { FaultProxy } from '../../support/fault_proxy.js';
import { createFakeNetwork, type FakeClient } from '../../fakes/fake_link.js';
import { master, real_clock, replica, knownSecret, secret, seeded } from '../../unit/transport/support.js';
import { describeControlLinks, Recorder, type LinkPair } from './control_link_suite.js';

async function makeRealPair(): Promise<LinkPair> {
  const server = new Recorder();
  const client = new Recorder();
  const link_server = await createLinkServer({
    ...master,
    host: '127.0.0.1',
    port: 0,
    secretOf: knownSecret,
    handlers: server,
  });
  const proxy = await FaultProxy.listen(link_server.port);
  const url = `ws://127.0.0.1:${String(proxy.port)}`;
  const clients: LinkClient[] = [];
  const connect = (handlers: Recorder | Parameters<LinkPair['connectRival']>[0]): void => {
    const link_client = createLinkClient({ ...replica, url, secret, handlers });
    clients.push(link_client);
    link_client.start();
  };
  return {
    server,
    client,
    connect: () => {
      connect(client);
    },
    connectRival: connect,
    pause: () => {
      proxy.pause();
    },
    resume: () => {
      proxy.resume();
    },
    dispose: async () => {
      for (const each of clients) each.stop();
      await link_server.close();
      await proxy.close();
    },
  };
}

function makeFakePair(): Promise<LinkPair> {
  const network = createFakeNetwork({ clock: real_clock, random: seeded(1) });
  const server = new Recorder();
  const client = new Recorder();
  const fake_server = network.server({ ...master, secretOf: knownSecret, handlers: server });
  const clients: FakeClient[] = [];
  const connect = (handlers: Parameters<LinkPair['connectRival']>[0]): void => {
    const fake_client = network.client({ ...replica, url: 'fake://master', secret, handlers });
    clients.push(fake_client);
    fake_client.start();
  };
  return Promise.resolve({
    server,
    client,
    connect: () => {
      connect(client);
    },
    connectRival: connect,
    pause: () => {
      network.freeze('replica-1');
    },
    resume: () => {
      network.thaw('replica-1');
    },
    dispose: async () => {
      for (const each of clients) each.stop();
      await fake_server.close();
    },
  });
}

describeControlLinks('WebSocket', makeRealPair);
describeControlLinks('fake network', makeFakePair);
