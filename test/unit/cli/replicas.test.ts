/** `replicas`, `replica show` and `replica history`. */
import { afterEach, expect, test } from 'vitest';
import { renderReplica, renderReplicaHistory, renderReplicas } from '../../../src/cli/render/replicas.js';
import { formatTimeOfDay } from '../../../src/cli/render/units.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { EventRecord, PlainEvent } from '../../../src/core/records.js';
import type { ReplicaHistoryReport, ReplicaReport } from '../../../src/core/report.js';
import { type Ran, run } from './fake_context.js';
import { type Answer, type FakeDaemon, startFakeDaemon } from './fake_daemon.js';
import { noon_ms, replica_sample } from './samples.js';
import { eventRecord } from '../../support/event_record.js';

const plain = { now_ms: noon_ms, columns: null, color: false };

const online: ReplicaReport = {
  ...replica_sample,
  node_id: 1,
  name: 'replica1',
  state: 'online',
  state_description: 'its control link is up and it answers keep-alives; transfers run',
  is_connected: true,
  address: '10.0.0.7:40000',
  changed_at_ms: noon_ms - 3_600_000,
  linked_at_ms: noon_ms - 3_601_000,
  reason: '',
  last_answer_at_ms: noon_ms - 4_000,
  round_trip_ms: 3,
  transfers_running: 1,
};
const suspect: ReplicaReport = {
  ...online,
  state: 'suspect',
  reason: 'no answer to a keep-alive over 10 s; the last answer came 20 s ago',
  missed: 1,
};

const missed: PlainEvent = { type: 'keepalive.missed', session: 's1', tries: 1, reason: suspect.reason };

function eventsOf(...steps: [state: string, event: PlainEvent][]): EventRecord[] {
  return steps.map(([state, event], index) =>
    eventRecord({
      kind: 'replica',
      id: 'replica1',
      seq: index + 1,
      at_ms: noon_ms + index * 1_000,
      machine_version: 2,
      event,
      cause: { kind: 'daemon', what: 'keep-alive' },
      state,
    }),
  );
}

const history: ReplicaHistoryReport = {
  replica: suspect,
  events: eventsOf(
    ['back', { type: 'link.up', session: 's1', address: '10.0.0.7:40000' }],
    ['online', { type: 'keepalive.answered', session: 's1', round_trip_ms: 3 }],
    ['online', { type: 'slot.request', transfer: '7-3fa9', image: 'vm1' }],
    ['suspect', missed],
  ),
  omitted: 2,
};

const at = (after_ms: number): string => formatTimeOfDay(noon_ms + after_ms);

let daemon: FakeDaemon | undefined;
afterEach(async () => {
  await daemon?.dispose();
  daemon = undefined;
});

async function ask(answer: Answer, ...argv: string[]): Promise<Ran & { requests: FakeDaemon['requests'] }> {
  daemon = await startFakeDaemon(answer);
  return { ...(await run(daemon.socket, argv)), requests: daemon.requests };
}

test.each<[argv: string, path: string, answer: unknown, shows: string]>([
  ['replicas', '/v1/replicas', [online], 'replica1'],
  ['replica show replica1', '/v1/replicas/replica1', online, 'online: its control link is up'],
  ['replica show 1', '/v1/replicas/1', online, 'replica1 (1)'],
  ['replica history 1', '/v1/replicas/1/history', history, 'replica replica1: suspect'],
  [
    'replica history replica1 --changes --limit 5',
    '/v1/replicas/replica1/history?changes=true&limit=5',
    history,
    'keepalive.missed',
  ],
])('%s', async (argv, path, answer, shows) => {
  const people = await ask(() => answer, ...argv.split(' '));
  expect(people).toMatchObject({ code: 0, err: '' });
  expect(people.out).toContain(shows);
  expect(people.requests).toEqual([{ method: 'GET', path, body: undefined }]);
  await daemon?.dispose();
  const script = await ask(() => answer, '--json', ...argv.split(' '));
  expect(JSON.parse(script.out)).toEqual(answer);
});

test('a replica that nobody knows', async () => {
  const unknown = new IcbdError('ReplicaNotFound', 'there is no replica r9', {
    operation: 'find replica',
    hint: 'known are: r1 (1)',
  });
  const { code, err } = await ask(() => unknown, 'replica', 'show', 'r9');
  expect(code).toBe(10);
  expect(err).toContain('known are: r1 (1)');
});

test('the table tells since when, the last answer and its time, and why', () => {
  const [titles, ...rows] = renderReplicas([online, { ...suspect, name: 'replica3' }, replica_sample], plain)
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, '  ').trim());
  expect(titles).toBe(
    'ID  NAME  STATE  SINCE  ANSWERED  IN  RUNNING  WAITING  ADDRESS  BTRFS  KERNEL  CODECS  WHY',
  );
  expect(rows[0]).toContain('1  replica1  online  1 h ago  4.0 s ago  3 ms  1  4  10.0.0.7:40000');
  expect(rows[1]).toContain('suspect');
  expect(rows[1]?.endsWith(suspect.reason)).toBe(true);
  expect(rows[2]).toContain('2  replica2  offline  never  0  4');
});

test('one on a screen: why, since when, its link, its last answer, what it missed', () => {
  const text = renderReplica(suspect, plain);
  expect(text).toMatch(/because +no answer to a keep-alive over 10 s/);
  expect(text).toMatch(/since .*\(1 h ago\)/);
  expect(text).toMatch(/link +up since .*\(1 h ago\)/);
  expect(text).toMatch(/last answer .*\(4\.0 s ago\), after 3 ms/);
  expect(text).toMatch(/missed +1 keep-alive in a row/);
  const down = renderReplica(replica_sample, plain);
  expect(down).toMatch(/since +never connected/);
  expect(down).toMatch(/link +down/);
  expect(down).not.toContain('last answer');
  expect(down).not.toContain('missed');
});

test('its history: each state, when, and why', () => {
  const lines = renderReplicaHistory(history, plain)
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, '  ').trim());
  expect(lines[1]).toBe('2 older events not shown: --limit');
  expect(lines.slice(4)).toEqual([
    `1  ${at(0)}  link.up  back  keep-alive`,
    `2  ${at(1_000)}  +1.0 s  keepalive.answered  back -> online  keep-alive: answered after 3 ms`,
    `3  ${at(2_000)}  +1.0 s  slot.request  online  keep-alive: transfer 7-3fa9`,
    `4  ${at(3_000)}  +1.0 s  keepalive.missed  online -> suspect  keep-alive: ${suspect.reason}`,
    '',
  ]);
});
