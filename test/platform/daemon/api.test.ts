/** Every request of the control API over TCP, as its own description says: the real answers fit it. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControlClient } from '../../../src/client/control_client.js';
import type { FeedMessage } from '../../../src/core/feed.js';
import { ApiCaller } from '../../support/api_caller.js';
import type { ApiDocument } from '../../support/api_document.js';
import { Fleet, until } from '../../support/fleet.js';
import { freePort } from '../../support/fleet_config.js';

const cli = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;
const token = randomBytes(32).toString('base64');

let fleet: Fleet;
let directory: string;
let url: string;
let caller: ApiCaller;
beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-api-'));
  const token_file = path.join(directory, 'token');
  writeFileSync(token_file, token, { mode: 0o600 });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  fleet = await Fleet.start({
    master: { control: `listen = "127.0.0.1:${port}"\ntoken_file = "${token_file}"` },
  });
  const answer = await fetch(`${url}/v1/openapi.json`, { headers: { authorization: `Bearer ${token}` } });
  caller = new ApiCaller(url, token, (await answer.json()) as ApiDocument);
});
afterAll(async () => {
  await fleet?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const image = { image: 'vm' };
const id = (transfer: Readonly<Record<string, unknown>>): string => String(transfer['id']);

async function untilState(transfer: string, wanted: string): Promise<void> {
  await until(
    async () => (await fleet.master.client.transfers.get(transfer)).state === wanted,
    () => `${transfer} to be ${wanted}:\n${fleet.master.logTail()}`,
  );
}

describe('the description', () => {
  const messages: FeedMessage[] = [];
  const stop = new AbortController();
  let following: Promise<void>;
  let first: string;

  test('nodes, and those who watch over them', async () => {
    const client = new ControlClient({ url, token });
    following = (async () => {
      for await (const message of client.events.follow({ after: 0, signal: stop.signal }))
        messages.push(message);
    })().catch((error: Error & { code?: string }) => {
      if (error.code !== 'Cancelled') throw error;
    });
    for (const one of ['getOpenapiJson', 'getStatus', 'getNode', 'getReplicas', 'getFleet', 'getDoctor']) {
      await caller.call(one);
    }
    for (const one of ['getLivez', 'getReadyz', 'getMetrics', 'getNameServer']) await caller.call(one);
    await caller.call('getNode', { query: { node: 'r1' } });
    await caller.call('postNodePing', { body: { node: 'r1' } });
    const names = { name: 'r1', id: 'r1' };
    const of_replica = ['', 'History', 'Throughput'].map((what) => `getReplicasByName${what}`);
    for (const one of of_replica) await caller.call(one, { names });
    for (const what of ['Diagram', 'Steps', 'Export']) await caller.call(`getReplicasById${what}`, { names });
    for (const kind of ['image', 'replica', 'transfer', 'reception']) {
      await caller.call('getMachinesByKind', { names: { kind } });
    }
    expect(caller.uncalled).not.toContain('getMachinesByKind');
  });

  test('images and snapshots', async () => {
    const live = path.join(fleet.master.fs.mountpoint, 'vm', 'live');
    mkdirSync(path.dirname(live));
    await execa('btrfs', ['subvolume', 'create', live]);
    writeFileSync(path.join(live, 'disk'), randomBytes(200_000));
    await caller.call('postImages', { body: { name: 'vm' } });
    await caller.call('postImages', { body: { name: 'vm' }, status: 409 });
    await caller.call('postImages', { body: { name: 'vm', node: 'r1' } });
    await caller.call('getImages');
    await caller.call('getImages', { query: { node: 'r1' } });
    await caller.call('postImagesByImageRescan', { names: image });
    await caller.call('postImagesByImageSnapshots', { names: image });
    await caller.call('postImagesByImageSnapshots', { names: image, body: { number: '2' } });
    const third = { ...image, number: '3' };
    await caller.call('postImagesByImageSnapshotsByNumberAdd', { names: third, body: { from: live } });
    await caller.call('getImagesByImageLast', { names: image });
    await caller.call('getImagesByImageSnapshots', { names: image, query: { needs: 'true' } });
    await caller.call('getImagesByImageSnapshotsByNumber', { names: third });
    await caller.call('getImagesByImageSnapshotsByNumber', { names: { ...image, number: '9' }, status: 404 });
    await caller.call('deleteImagesByImageSnapshotsByNumber', { names: third, query: { force: 'true' } });
    await caller.call('getImagesByImage', { names: image });
    await caller.call('getImagesByImageHistory', { names: image, query: { changes: 'true', limit: '10' } });
    for (const what of ['Diagram', 'Steps', 'Export']) {
      await caller.call(`getImagesById${what}`, { names: { id: 'vm' } });
    }
    await caller.call('postDoctorRemove', { body: { image: 'vm', names: ['.icbdrep-part-none'] } });
    expect(caller.uncalled).not.toContain('postDoctorRemove');
  });

  test('transfers, from their begin to their end', async () => {
    const wanted = { image: 'vm', numbers: ['1'], to: ['r1'] };
    await caller.call('postTransfersCheck', { body: wanted });
    const [sent] = (await caller.call('postTransfers', { body: wanted })) as unknown as [{ id: string }];
    first = sent.id;
    await untilState(first, 'completed');
    const names = { id: first };
    await caller.call('getTransfersById', { names });
    await caller.call('getTransfersByIdHistory', { names, query: { after_seq: '2', limit: '5' } });
    await caller.call('getTransfersByIdHistory', { names });
    for (const what of ['Diagram', 'Steps', 'Export'])
      await caller.call(`getTransfersById${what}`, { names });
    await caller.call('getTransfers', { query: { states: 'completed,failed', sort: 'updated', limit: '5' } });
    await caller.call('getTransfersCount', { query: { image: 'vm' } });
    await caller.call('getTransfersById', { names: { id: '999-nope' }, status: 404 });
    await caller.call('getFleet');
    await caller.call('getReplicasByNameThroughput', { names: { name: 'r1' }, query: { step_s: '10' } });
    expect(caller.uncalled).not.toContain('getTransfersCount');
  });

  test('comparing copies', async () => {
    const names = { ...image, number: '1' };
    const run = await caller.call('postImagesByImageSnapshotsByNumberVerify', {
      names,
      body: { node: 'r1' },
    });
    const running = { names: { id: id(run) } };
    await until(
      async () => String((await caller.call('getVerificationsById', running))['state']) === 'finished',
      () => 'the comparison to end',
    );
    await caller.call('deleteVerificationsById', running);
    expect(caller.uncalled).not.toContain('deleteVerificationsById');
  });

  test('verbs', async () => {
    await fleet.replica(0).stop();
    const body = { image: 'vm', numbers: ['2'], to: ['r1'] };
    const [sent] = (await caller.call('postTransfers', { body })) as unknown as [{ id: string }];
    const names = { id: sent.id };
    await caller.call('postTransfersByIdPause', { names });
    await caller.call('postTransfersByIdResume', { names });
    await caller.call('postTransfersByIdRetryNow', { names });
    await caller.call('postTransfersByIdCancel', { names });
    await untilState(sent.id, 'cancelled');
    await caller.call('postRedrive', { body: { states: ['cancelled'], dry_run: true } });
    await caller.call('postTransfersByIdRedrive', { names, body: { from_start: true } });
    await caller.call('postTransfersByIdFork', { names: { id: first }, body: { codec: 'lz4' } });
    await caller.call('postActorsByKindByIdUnpark', { names: { kind: 'transfer', ...names } });
    await fleet.replica(0).start();
    await fleet.untilOnline();
    await fleet.untilSettled();
    expect(caller.uncalled).not.toContain('postActorsByKindByIdUnpark');
  });

  test('names', async () => {
    await caller.call('postNames', { body: { name: 'vm.1', address: 'ws://127.0.0.1:1', metadata: ['a'] } });
    await caller.call('getNames', { query: { metadata_any: 'a' } });
    await caller.call('getNamesByName', { names: { name: 'vm.1' } });
    await caller.call('postNamesByNameMetadata', { names: { name: 'vm.1' }, body: { metadata: [] } });
    await caller.call('deleteNames', { query: { name: 'vm.1' } });
    await caller.call('getNamesRemoved', { query: { limit: '5' } });
    expect(caller.uncalled).not.toContain('getNamesRemoved');
  });

  test('sessions', async () => {
    await caller.call('postSession', { body: { token } });
    await caller.call('postSession', { body: { token: 'wrong' }, status: 401 });
    await caller.call('deleteSession');
    expect(caller.uncalled).not.toContain('deleteSession');
  });

  test('the end of an image, and of a node', async () => {
    await caller.call('deleteImagesByImage', { names: image });
    await caller.call('postNodeShutdown', { body: { node: 'r1' } });
    expect(await fleet.replica(0).untilEnded()).toBe(0);
  });

  test('what was told meanwhile', async () => {
    stop.abort();
    await following;
    caller.checkMessages(messages);
    const kinds = new Set(messages.map(({ kind }) => kind));
    for (const kind of ['hello', 'event', 'transfers', 'replicas', 'images']) expect(kinds).toContain(kind);
    const ids = messages.flatMap((message) => (message.kind === 'event' ? [message.data.event_id] : []));
    expect(ids).toEqual(Array.from({ length: ids.length }, (_, index) => index + 1));
  });

  test('nothing was left out', () => {
    expect(caller.uncalled).toEqual([]);
  });
});

const run = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  execa(process.execPath, [cli, ...argv], { reject: false, env });

test('the command line asks a daemon elsewhere', async () => {
  const env = { ICBDREP_URL: url, ICBDREP_TOKEN_FILE: path.join(directory, 'token') };
  const [listed, figures] = await Promise.all([
    run(['transfers'], env),
    run(['api', 'GET', '/metrics'], env),
  ]);
  expect([listed.exitCode, listed.stdout]).toEqual([0, expect.stringContaining('completed')]);
  expect([figures.exitCode, figures.stdout]).toEqual([0, expect.stringContaining('# TYPE icbdrep_')]);
});
