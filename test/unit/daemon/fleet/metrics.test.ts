/** The figures for Prometheus: what they say, how they are called, and that their labels are few. */
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { machines } from '../../../../src/actors/machines.js';
import { error_codes } from '../../../../src/core/errors.js';
import type { EventCause, ProgressRecord } from '../../../../src/core/records.js';
import { ByteCounts } from '../../../../src/daemon/fleet/byte_counts.js';
import { FleetBoard } from '../../../../src/daemon/fleet/fleet_board.js';
import { addFleetMetrics } from '../../../../src/daemon/fleet/fleet_metrics.js';
import { LoopDelay } from '../../../../src/daemon/fleet/loop_delay.js';
import { addNodeMetrics, addRuntimeMetrics } from '../../../../src/daemon/fleet/node_metrics.js';
import { NodeProbes } from '../../../../src/daemon/fleet/node_probes.js';
import { addTransferMetrics } from '../../../../src/daemon/fleet/transfer_metrics.js';
import { ProgressBoard } from '../../../../src/daemon/progress_board.js';
import type { EffectHandler } from '../../../../src/runtime/ports.js';
import { Runtime } from '../../../../src/runtime/runtime.js';
import { Storage } from '../../../../src/storage/storage.js';
import { type Family, readExposition, sampleOf } from '../../../support/exposition.js';
import { ManualClock } from '../../runtime/support/bench.js';

const cause: EventCause = { kind: 'operator', who: 'test' };
const replicas = ['r1', 'r"2'];
const images = ['vm1'];
const error = {
  code: 'Stalled',
  message: 'no byte',
  operation: 'send',
  subject: '',
  retryable: true,
  hint: '',
};

const held: EffectHandler = (_effect, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

let storage: Storage;
let clock: ManualClock;
let runtime: Runtime;
let progress: ProgressBoard;
let delay: LoopDelay;
let probes: NodeProbes;
let is_stopping: boolean;

beforeEach(() => {
  storage = Storage.open(':memory:');
  clock = new ManualClock();
  is_stopping = false;
  runtime = new Runtime({
    storage,
    machines,
    clock,
    handlers: { plan: held, send: held, scan: held },
    onFatal: (fatal) => {
      throw fatal;
    },
  });
  progress = new ProgressBoard(clock, () => undefined);
  delay = new LoopDelay(clock);
  const registry = new Registry();
  const board = new FleetBoard({ rows: storage.copies, clock, images: () => images, list: async () => [] });
  const shared = { registry, storage, runtime };
  addNodeMetrics({
    registry,
    storage,
    delay,
    role: 'master',
    node: 'm',
    started_at_ms: 5_000,
    epoch: () => runtime.epoch,
  });
  addRuntimeMetrics({ ...shared, kinds: ['image', 'replica', 'transfer'] });
  const counts = new ByteCounts(progress, (actor) => storage.actors.load(actor)?.labels.replica);
  addTransferMetrics({ ...shared, progress, counts, kind: 'transfer', replicas, now: () => clock.now() });
  addFleetMetrics({
    registry,
    board,
    images: () => images,
    replicas: () =>
      replicas.map((name, index) => ({ name, node_id: index, state: 'online', is_online: name === 'r1' })),
    keepAliveOf: (node) =>
      node === 'r1' ? { last_answer_at_ms: 1, round_trip_ms: 12, missed: 0 } : undefined,
    links_lost: new Map([['r1', 3]]),
  });
  runtime.subscribe((commit) => board.note(commit));
  probes = new NodeProbes({
    registry,
    storage,
    delay,
    isStopping: () => is_stopping,
    checks: () => [{ name: 'links', ok: true, text: 'fine' }],
  });
  runtime.start();
});
afterEach(async () => {
  await runtime.close();
  delay.close();
  storage.close();
});

const scrape = async (): Promise<Family[]> => readExposition(await probes.metrics());

function transfer(id: string, ...events: object[]): void {
  const to = { kind: 'transfer', id } as const;
  const input = { id, image: 'vm1', number: '1', replica: 'r1', codec: null, ssh: false, failures_max: 10 };
  runtime.create(to, input, cause);
  for (const event of events) runtime.deliver(to, event as { type: string }, cause);
}

const plan = { uuid: 'u', parent: null, reason: '', codec: 'none', stream_version: 1 };
const to_sending = [
  { type: 'slot.granted' },
  { type: 'plan.done', result: plan },
  { type: 'reception.ready', attempt: 1, resume_bytes: 0 },
];
const outcome = { already_there: false, stream_bytes: 1, hash: '' };

test('a name means what it says: base units, totals, help, and nothing twice', async () => {
  transfer('1-a', ...to_sending);
  const families = await scrape();
  const own = families.filter(({ name }) => name.startsWith('icbdrep_'));
  expect(own.length).toBeGreaterThan(20);
  for (const { name, help } of own) {
    expect(help.endsWith('.'), `${name}: ${help}`).toBe(true);
    expect(/^icbdrep_[a-z0-9_]+$/.test(name)).toBe(true);
  }
  expect(families.map(({ name }) => name)).toContain('process_cpu_seconds_total');
});

test('labels are few, and their values come from the config or from a list in the code', async () => {
  transfer('1-a', ...to_sending, { type: 'send.failed', error });
  transfer('2-b', { type: 'cancel' });
  const allowed: Record<string, readonly string[]> = {
    state: [
      ...Object.keys(machines.transfer.machine.states),
      'parked',
      'in_sync',
      'behind',
      'in_transfer',
      'failed',
      'empty',
      'unknown',
    ],
    replica: replicas,
    image: images,
    code: Object.keys(error_codes),
    kind: ['image', 'replica', 'transfer'],
    outcome: ['completed', 'failed', 'cancelled'],
    role: ['master'],
    node: ['m'],
  };
  const wrong = (await scrape())
    .filter(({ name }) => name.startsWith('icbdrep_'))
    .flatMap(({ name, samples }) =>
      samples.flatMap(({ labels }) =>
        Object.entries(labels).flatMap(([label, value]) => {
          const is_right =
            label === 'le' ||
            (label === 'version' ? /^\d+\.\d+/.test(value) : allowed[label]?.includes(value));
          return is_right === true ? [] : [`${name}{${label}="${value}"}`];
        }),
      ),
    );
  expect(wrong).toEqual([]);
});

test('what happens to transfers is counted: states, failures, rests, lost links, durations', async () => {
  transfer('1-a', ...to_sending, { type: 'send.failed', error });
  transfer('2-b', ...to_sending, { type: 'send.link_lost', error: { ...error, code: 'LinkLost' } });
  const third = { kind: 'transfer', id: '3-c' } as const;
  transfer('3-c', ...to_sending);
  clock.now_ms += 90_000;
  runtime.deliver(third, { type: 'reception.completed', attempt: 1, outcome }, cause);
  const families = await scrape();
  const value = (name: string, labels: Record<string, string> = {}): number =>
    sampleOf(families, `icbdrep_${name}`, labels);
  expect(value('transfers', { state: 'resting' })).toBe(1);
  expect(value('transfers', { state: 'disconnected' })).toBe(1);
  expect(value('transfers', { state: 'completed' })).toBe(1);
  expect(value('transfers', { state: 'failed' })).toBe(0);
  expect(value('transfer_failures_total', { code: 'Stalled' })).toBe(1);
  expect(value('transfer_rests_total', { replica: 'r1' })).toBe(1);
  expect(value('transfer_interruptions_total', { replica: 'r1' })).toBe(1);
  expect(value('transfer_interruptions_total', { replica: 'r"2' })).toBe(0);
  expect(value('transfer_duration_seconds_count', { outcome: 'completed' })).toBe(1);
  expect(value('transfer_duration_seconds_sum', { outcome: 'completed' })).toBe(90);
  expect(value('transfer_duration_seconds_bucket', { outcome: 'completed', le: '60' })).toBe(0);
  expect(value('transfer_duration_seconds_bucket', { outcome: 'completed', le: '300' })).toBe(1);
  expect(value('events_total')).toBe(storage.history.lastEventId());
  expect(value('commits_total')).toBeGreaterThan(10);
  expect(value('timers_pending')).toBe(storage.timers.ofActor({ kind: 'transfer', id: '1-a' }).length + 1);
  expect(value('outbox_messages')).toBe(storage.messages.waiting('r1').length);
  expect(value('epoch')).toBe(1);
  expect(value('start_time_seconds')).toBe(5);
  expect(value('database_size_bytes')).toBe(storage.sizeBytes());
});

test('bytes and the age of checkpoints, by replica', async () => {
  transfer('1-a', ...to_sending);
  const actor = { kind: 'transfer', id: '1-a' } as const;
  let bytes = 100;
  const started_at_ms = clock.now();
  progress.show(
    actor,
    () =>
      ({
        actor,
        stream_bytes: bytes,
        link_bytes: bytes / 2,
        started_at_ms,
        checkpoint_at_ms: null,
      }) as ProgressRecord,
  );
  bytes = 300;
  clock.now_ms += 7_000;
  const families = await scrape();
  expect(sampleOf(families, 'icbdrep_sent_stream_bytes_total', { replica: 'r1' })).toBe(200);
  expect(sampleOf(families, 'icbdrep_sent_link_bytes_total', { replica: 'r1' })).toBe(100);
  expect(sampleOf(families, 'icbdrep_sent_link_bytes_total', { replica: 'r"2' })).toBe(0);
  expect(sampleOf(families, 'icbdrep_checkpoint_age_seconds', { replica: 'r1' })).toBe(7);
});

test('replicas: whether they are there, how far away, and no lag where nothing is known', async () => {
  const families = await scrape();
  expect(sampleOf(families, 'icbdrep_replica_online', { replica: 'r1' })).toBe(1);
  expect(sampleOf(families, 'icbdrep_replica_online', { replica: 'r"2' })).toBe(0);
  expect(sampleOf(families, 'icbdrep_replica_round_trip_seconds', { replica: 'r1' })).toBe(0.012);
  expect(sampleOf(families, 'icbdrep_replica_link_losses_total', { replica: 'r1' })).toBe(3);
  expect(sampleOf(families, 'icbdrep_copies', { state: 'unknown' })).toBe(2);
  const lag = families.find(({ name }) => name === 'icbdrep_replication_lag_seconds');
  expect(lag?.samples).toEqual([]);
});

test('alive, and ready until it stops or cannot write', async () => {
  expect(probes.livez().ok).toBe(true);
  expect(await probes.readyz()).toMatchObject({
    ok: true,
    checks: [{ name: 'database', ok: true }, { name: 'links' }, { name: 'not_stopping', ok: true }],
  });
  is_stopping = true;
  expect(await probes.readyz()).toMatchObject({ ok: false });
  is_stopping = false;
  storage.tryToWrite = () => {
    throw new Error('disk full');
  };
  const { ok, checks } = await probes.readyz();
  expect(ok).toBe(false);
  expect(checks[0]).toEqual({ name: 'database', ok: false, text: 'disk full' });
});

test('a delay of the event loop is seen', async () => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  const until_ms = performance.now() + 120;
  while (performance.now() < until_ms);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(delay.recent().max_s).toBeGreaterThan(0.08);
  clock.advance(30_000);
  expect(delay.recent().max_s).toBeGreaterThan(0.08);
});

test.each([
  ['# HELP a_total x\n# TYPE a_total gauge\na_total 1\n', 'is a gauge'],
  ['# HELP a x\n# TYPE a gauge\na 1\na 1\n', 'twice'],
  ['# HELP a x\n# TYPE a gauge\na{b="1" 1\n', 'no sample'],
  ['# TYPE a gauge\na 1\n', 'without its help'],
  ['# HELP a_ms x\n# TYPE a_ms gauge\na_ms 1\n', 'base unit'],
  ['# HELP a x\n# TYPE a gauge\na one\n', 'no number'],
])('the reader of these tests finds mistakes: %j', (text, message) => {
  expect(() => readExposition(text)).toThrow(message);
});
