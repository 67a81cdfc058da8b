import { beforeEach, expect, test } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import { inspectionRoutes } from '../../../src/daemon/control/inspection_routes.js';
import { inspectionOperations } from '../../../src/daemon/operations/inspection_operations.js';
import { Runtime } from '../../../src/runtime/runtime.js';
import { Storage } from '../../../src/storage/storage.js';
import { ManualClock, cause } from '../runtime/support/bench.js';

const capabilities = { codecs: ['none'], stream_version_max: 2, btrfs_progs: '6.2', kernel: '6.1' };

const onFatal = (error: unknown): never => {
  throw error;
};

let ask: (path: string) => Promise<unknown>;

beforeEach(() => {
  const storage = Storage.open(':memory:');
  const runtime = new Runtime({ storage, machines, clock: new ManualClock(), handlers: {}, onFatal });
  runtime.start();
  const north = { kind: 'replica' as const, id: 'north' };
  runtime.create(north, { node_id: 1, name: 'north', slots_max: 2 }, cause);
  const send = (type: string, session: string): void => {
    runtime.deliver(
      north,
      { type, session, address: 'a', capabilities, round_trip_ms: 4, reason: '' },
      cause,
    );
  };
  send('link.up', 's1');
  send('keepalive.answered', 's1');
  send('keepalive.answered', 's2');
  send('link.down', 's1');
  send('link.up', 's3');
  const routes = inspectionRoutes(
    inspectionOperations({
      storage,
      node: 'hub',
      find: {
        replica: (name) => ({ kind: 'replica', id: name === '1' ? 'north' : name }),
        transfer: (id) => ({ kind: 'transfer', id }),
        image: (id) => ({ kind: 'image', id }),
      },
    }),
  );
  ask = async (path) => {
    const [group, id = '', what] = path.split('/');
    const wanted = [group, what === undefined ? ':kind' : ':id', ...(what === undefined ? [] : [what])].join(
      '/',
    );
    const route = routes.find((other) => other.path === wanted);
    const parts = path.split('/');
    const request = { method: 'GET', parts, query: new URLSearchParams(), body: undefined };
    // The answer fits what its description says.
    return route?.answer.parse(await route.handler(request, [id]));
  };
});

test('the way that an actor took, in its machine', async () => {
  expect(await ask('replicas/1/diagram')).toMatchObject({
    kind: 'replica',
    id: 'north',
    state: 'back',
    parked_reason: '',
    graph: { kind: 'replica', version: machines.replica.version },
    visits: { offline: 2, back: 2, online: 1 },
    path: [
      { from: 'back', to: 'online', event: 'keepalive.answered', count: 1 },
      { from: 'online', to: 'offline', event: 'link.down', count: 1 },
      { from: 'offline', to: 'back', event: 'link.up', count: 2 },
    ],
  });
});

test('machines without an actor, and none that is not there', async () => {
  for (const kind of Object.keys(machines)) {
    expect(await ask(`machines/${kind}`)).toMatchObject({ kind });
  }
  await expect(ask('machines/toString')).rejects.toMatchObject({
    code: 'InvalidArgument',
    hint: 'machines are: image, replica, transfer, reception',
  });
});
