/**
 * `npm run bench:control [-- --transfers N --events N]`: how fast a master with a long history starts and answers, how
 * many transitions a second reach the disk, and for how long the event loop is held up while transfers run.
 */
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import BetterSqlite from 'better-sqlite3';
import { Fleet, type FleetNode } from '../test/support/fleet.js';
import { readExposition, sampleOf } from '../test/support/exposition.js';
import { seededBytes } from '../test/support/image_tree.js';
import { fillDatabase } from './support/control_database.js';
import { median } from './support/measure.js';
import { measureTransitions } from './support/transitions.js';

const { values: flags } = parseArgs({
  options: {
    transfers: { type: 'string', default: '10000' },
    events: { type: 'string', default: '40' },
    repeats: { type: 'string', default: '20' },
  },
});
const ready_s_max = 2;
const answer_ms_max = 100;
const transitions_min = 3_000;
/** Until the figures of the event loop are only about what comes then, ms. */
const forgotten_ms = 61_000;
const mib = 1024 * 1024;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const verdict = (is_reached: boolean): string => (is_reached ? 'reached' : 'NOT reached');

interface Answer {
  readonly status: number;
  readonly bytes: number;
  readonly text: string;
}

function get(socketPath: string, at: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path: at, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const all = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, bytes: all.length, text: all.toString() });
      });
    })
      .on('error', reject)
      .end();
  });
}

/** From its spawn until it says that it is ready, seconds. */
async function timeToReady(node: FleetNode): Promise<number> {
  const from_ms = performance.now();
  node.launch();
  for (;;) {
    const answer = await get(node.socket, '/readyz').catch(() => undefined);
    if (answer?.status === 200) return (performance.now() - from_ms) / 1_000;
    if (performance.now() - from_ms > 60_000) throw new Error(`not ready:\n${node.logTail()}`);
    await sleep(5);
  }
}

/** Every list and history that the API has. */
function requestsOf(transfer: string): string[] {
  const sorts = ['created', 'updated', 'image', 'replica', 'state'];
  const lists = sorts.flatMap((sort) =>
    ['up', 'down'].map((direction) => `transfers?sort=${sort}&direction=${direction}&limit=100`),
  );
  const since_ms = Date.now() - 7 * 24 * 3_600_000;
  return [
    'status',
    'transfers',
    'transfers?limit=1000',
    ...lists,
    'transfers?sort=state&direction=up&limit=100&offset=9000',
    'transfers?states=failed',
    'transfers?states=parked',
    'transfers?image=vm3',
    'transfers?image=vm3&number=17',
    'transfers?replica=r2&limit=100',
    `transfers?since_ms=${since_ms}`,
    'transfers/count',
    'transfers/count?image=vm3',
    `transfers/${transfer}`,
    `transfers/${transfer.split('-')[0]}`,
    `transfers/${transfer}/history`,
    `transfers/${transfer}/history?after_seq=20&limit=10`,
    `transfers/${transfer}/steps`,
    `transfers/${transfer}/diagram`,
    `transfers/${transfer}/export`,
    'replicas',
    'replicas/r1',
    'replicas/r1/history',
    'replicas/r1/steps',
    'replicas/r1/diagram',
    'replicas/r1/export',
    'replicas/r1/throughput',
    'images',
    'images/vm3/history',
    'images/vm3/steps',
    'images/vm3/diagram',
    'images/vm3/export',
    'machines/transfer',
    'fleet',
    'openapi.json',
  ].map((at) => `/v1/${at}`);
}

interface Timing {
  readonly at: string;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly max_ms: number;
  readonly bytes: number;
  readonly status: number;
}

async function time(socket: string, at: string, repeats: number): Promise<Timing> {
  const times: number[] = [];
  let answer: Answer | undefined;
  for (let index = 0; index < repeats; index += 1) {
    const from_ms = performance.now();
    answer = await get(socket, at);
    times.push(performance.now() - from_ms);
  }
  const sorted = times.toSorted((a, b) => a - b);
  const p95_ms = sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.95) - 1)] ?? 0;
  return {
    at,
    p50_ms: median(times),
    p95_ms,
    max_ms: sorted.at(-1) ?? 0,
    bytes: answer?.bytes ?? 0,
    status: answer?.status ?? 0,
  };
}

function showTimings(timings: readonly Timing[]): void {
  say('| request | p50 ms | p95 ms | max ms | KiB | under 100 ms |\n|---|---:|---:|---:|---:|---|');
  for (const { at, p50_ms, p95_ms, max_ms, bytes, status } of timings) {
    const figures = [p50_ms, p95_ms, max_ms, bytes / 1024].map((value) => value.toFixed(1)).join(' | ');
    const word = status === 200 ? verdict(p95_ms < answer_ms_max) : `answered ${status}`;
    say(`| ${at} | ${figures} | ${word} |`);
  }
}

/** Commits of one row that the disk takes in a second. */
function rawRate(file: string): number {
  const database = new BetterSqlite(file);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE rows (text TEXT)');
  const insert = database.prepare('INSERT INTO rows VALUES (?)');
  const until_ms = performance.now() + 1_000;
  let count = 0;
  for (; performance.now() < until_ms; count += 1) insert.run('x'.repeat(200));
  database.close();
  return count;
}

async function transitions(): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'icbdrep-bench-'));
  try {
    const raw = rawRate(path.join(directory, 'raw.db'));
    const { count, wall_s } = await measureTransitions(path.join(directory, 'state.db'), 4);
    const rate = Math.round(count / wall_s);
    say(`- ${verdict(rate >= transitions_min)}: ${rate} durable transitions/s (aim: ${transitions_min})`);
    say(`  (${count} in ${wall_s.toFixed(1)} s; the disk takes ${raw} commits/s of one row)`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Two images to two replicas at a time. */
async function delayWhileSending(fleet: Fleet): Promise<void> {
  const { client } = fleet.master;
  for (const name of ['busy1', 'busy2']) {
    const source = await fleet.addImage(name);
    writeFileSync(path.join(source, 'disk.img'), seededBytes(160 * mib, 7));
    await client.snapshots.create(name);
  }
  await sleep(forgotten_ms);
  const sends = ['busy1', 'busy2'].map((image) =>
    client.transfers.send({ image, numbers: ['1'], to: ['all'] }),
  );
  const ids = (await Promise.all(sends)).flat().map(({ id }) => id);
  let most = 0;
  for (;;) {
    await sleep(100);
    const reports = await Promise.all(ids.map((id) => client.transfers.get(id)));
    most = Math.max(most, reports.filter(({ state }) => state === 'sending').length);
    if (reports.every(({ settled }) => settled)) break;
  }
  const families = readExposition((await get(fleet.master.socket, '/metrics')).text);
  const max_ms = sampleOf(families, 'icbdrep_event_loop_delay_max_seconds') * 1_000;
  const p99_ms = sampleOf(families, 'icbdrep_event_loop_delay_p99_seconds') * 1_000;
  say(
    `- event loop while ${ids.length} transfers run (${most} at the same time): ${max_ms.toFixed(1)} ms at most, p99 ${p99_ms.toFixed(1)} ms`,
  );
}

async function run(): Promise<void> {
  const images = Array.from({ length: 20 }, (_, index) => `vm${index}`);
  const fleet = await Fleet.make({ replicas: 2, size_mb: 2_048 });
  try {
    const { master } = fleet;
    await mkdir(master.state_dir, { recursive: true, mode: 0o700 });
    const made = await fillDatabase(master.database_file, {
      transfers: Number(flags.transfers),
      events_each: Number(flags.events),
      images,
      replicas: ['r1', 'r2'],
    });
    say(`${made.transfers} settled transfers, ${made.events} events, ${made.size_mb.toFixed(0)} MiB\n`);
    const starts: number[] = [];
    for (let index = 0; index < 3; index += 1) {
      starts.push(await timeToReady(master));
      if (index < 2) await master.stop();
    }
    const ready_s = median(starts);
    say(
      `- ${verdict(ready_s < ready_s_max)}: ready ${ready_s.toFixed(2)} s after the spawn (aim: ${ready_s_max} s)\n`,
    );
    for (const replica of fleet.replicas) await replica.start();
    await fleet.untilOnline();
    for (const name of images) await master.client.images.add({ name, create: true });
    const timings: Timing[] = [];
    for (const at of [...requestsOf('5000-be4c'), '/metrics', '/readyz', '/livez']) {
      timings.push(await time(master.socket, at, Number(flags.repeats)));
    }
    showTimings(timings);
    const slow = timings.filter(({ p95_ms }) => p95_ms >= answer_ms_max);
    say(
      `\n- ${verdict(slow.length === 0)}: all answer within ${answer_ms_max} ms (p95); ${slow.length} of ${timings.length} do not`,
    );
    await delayWhileSending(fleet);
  } finally {
    await fleet.dispose();
  }
}

await transitions();
await run();
