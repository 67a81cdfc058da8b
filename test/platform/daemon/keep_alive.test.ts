/** Replicas that hang, and replicas that die: how soon the master knows, and what it does about it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReplicaReport } from '../../../src/core/report.js';
import { Fleet, type FleetNode, until } from '../../support/fleet.js';
import { checkHistory } from '../../support/history_check.js';
import { seededBytes } from '../../support/image_tree.js';
import { differences, isSettled, send, untilTransfer } from '../../support/replicate.js';

const mib = 1024 * 1024;
const interval_s = 1;
const tries = 3;
/** tries x interval, and the wait for one answer, which is as long as the interval here. */
const noticed_ms = tries * interval_s * 1_000 + interval_s * 1_000;
/** What a machine with much to do may add. */
const slack_ms = 3_000;

let fleet: Fleet;

async function untilState(state: string): Promise<ReplicaReport> {
  let last: ReplicaReport | undefined;
  await until(
    async () => {
      last = await fleet.master.client.replicas.get('r1');
      return last.state === state;
    },
    () => `r1 to be ${state}: ${JSON.stringify(last)}\n${fleet.master.logTail()}`,
  );
  if (last === undefined) throw new Error('no replica');
  return last;
}

/** The states that r1 came into since event number `after`, each with what its event says. */
async function changesAfter(
  after: number,
): Promise<{ state: string; type: string; reason: string; at_ms: number }[]> {
  const { events } = await fleet.master.client.replicas.history('r1', { changes: true });
  return events
    .filter(({ seq }) => seq > after)
    .map(({ state, event, at_ms }) => ({
      state,
      type: event.type,
      reason: typeof event['reason'] === 'string' ? event['reason'] : '',
      at_ms,
    }));
}

async function lastEvent(): Promise<number> {
  const { events } = await fleet.master.client.replicas.history('r1');
  return events.at(-1)?.seq ?? 0;
}

function signal({ pid }: FleetNode, name: 'SIGSTOP' | 'SIGCONT'): void {
  if (pid === undefined) throw new Error('the node does not run');
  process.kill(pid, name);
}

async function makeImage(image: string, bytes: number): Promise<void> {
  const source = await fleet.addImage(image);
  writeFileSync(path.join(source, 'disk.img'), seededBytes(bytes, bytes));
  await fleet.master.client.snapshots.create(image);
}

describe.each(['ping', 'connection'] as const)('keep-alives in the mode %s', (mode) => {
  beforeAll(async () => {
    fleet = await Fleet.start({ has_proxies: true, keep_alive: { interval_s, tries, mode } });
    await makeImage('running', 32 * mib);
    await makeImage('waiting', mib);
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  test('tell when a replica answered last, and how fast', async () => {
    const { last_answer_at_ms: first_ms, linked_at_ms } = await untilState('online');
    expect(first_ms).toBeGreaterThanOrEqual(linked_at_ms ?? Number.POSITIVE_INFINITY);
    let later: ReplicaReport | undefined;
    await until(
      async () => {
        later = await fleet.master.client.replicas.get('1');
        return (later.last_answer_at_ms ?? 0) > (first_ms ?? 0);
      },
      () => 'another answer',
    );
    expect(later).toMatchObject({ name: 'r1', state: 'online', is_connected: true, reason: '', missed: 0 });
    expect(later?.round_trip_ms).toBeLessThan(1_000);
  });

  test('find a replica that hangs with its socket open; it comes back, and what waited goes on', async () => {
    const replica = fleet.replica(0);
    const before = await lastEvent();
    const half_way = fleet.proxy(0).holdDataAt(16 * mib);
    const running = await send(fleet, 'running', '1');
    await half_way;
    const stopped_ms = Date.now();
    signal(replica, 'SIGSTOP');
    const suspect = await untilState('suspect');
    expect(suspect).toMatchObject({
      is_connected: true,
      reason: expect.stringContaining('no answer to a keep-alive'),
    });
    const waiting = await send(fleet, 'waiting', '1');
    expect(await fleet.master.client.transfers.get(running.id)).toMatchObject({ state: 'sending' });
    expect(await fleet.master.client.transfers.get(waiting.id)).toMatchObject({ state: 'queued' });
    const offline = await untilState('offline');
    expect(offline).toMatchObject({ is_connected: false, linked_at_ms: null, last_answer_at_ms: null });
    expect(offline.reason).toMatch(
      /^no answer to 3 keep-alives over [\d.]+ s; the last answer came [\d.]+ s ago$/,
    );
    expect(await fleet.master.client.transfers.get(waiting.id)).toMatchObject({ state: 'queued' });
    fleet.proxy(0).release();
    signal(replica, 'SIGCONT');
    await untilState('online');
    for (const { id } of [running, waiting]) {
      expect(await untilTransfer(fleet, id, isSettled)).toMatchObject({ state: 'completed', failures: 0 });
    }
    expect(await differences(fleet, 'running', ['1'])).toEqual([]);
    expect(await differences(fleet, 'waiting', ['1'])).toEqual([]);
    const changes = await changesAfter(before);
    expect(changes.map(({ state, type }) => `${state} ${type}`)).toEqual([
      'suspect keepalive.missed',
      'offline link.down',
      'back link.up',
      'online keepalive.answered',
    ]);
    const [missed, lost] = changes;
    expect(missed?.reason).toBe(suspect.reason);
    expect(lost?.reason).toBe(offline.reason);
    expect((lost?.at_ms ?? Number.POSITIVE_INFINITY) - stopped_ms).toBeLessThan(noticed_ms + slack_ms);
    for (const node of fleet.nodes) expect(checkHistory(node.database_file)).toEqual([]);
  });

  test('a short silence makes it suspect, and nothing is lost by it', async () => {
    const before = await lastEvent();
    fleet.proxy(0).pause();
    await untilState('suspect');
    fleet.proxy(0).resume();
    await untilState('online');
    expect((await changesAfter(before)).map(({ state }) => state)).toEqual(['suspect', 'online']);
  });

  test('a replica notices a master that hangs as soon as the master would notice it', async () => {
    const replica = fleet.replica(0);
    const stopped_ms = Date.now();
    signal(fleet.master, 'SIGSTOP');
    try {
      await until(
        async () => !(await replica.client.status()).is_linked,
        () => `r1 to notice:\n${replica.logTail()}`,
      );
      expect(Date.now() - stopped_ms).toBeLessThan(noticed_ms + slack_ms);
    } finally {
      signal(fleet.master, 'SIGCONT');
    }
    await until(
      async () => (await replica.client.status()).is_linked,
      () => `r1 to come back:\n${replica.logTail()}`,
    );
    await untilState('online');
    const { reason } = await fleet.master.client.replicas.get('r1');
    expect(reason).toBe('');
  });

  test('a replica that is killed is offline at once, by the end of its connection', async () => {
    const before = await lastEvent();
    await fleet.replica(0).kill();
    const { reason } = await untilState('offline');
    expect(reason).not.toContain('keep-alive');
    expect((await changesAfter(before)).map(({ state, type }) => `${state} ${type}`)).toEqual([
      'offline link.down',
    ]);
    await fleet.replica(0).start();
    await untilState('online');
  });
});
