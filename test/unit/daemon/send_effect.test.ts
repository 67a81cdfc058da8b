import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type StreamPlace, proof_grid_bytes as mib, stream_start } from '../../../src/core/data_path.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { EffectRecord, PlainEvent, ProgressRecord } from '../../../src/core/records.js';
import { type SendOptions, sendEffect } from '../../../src/daemon/effects/send.js';
import { LiveStreams } from '../../../src/daemon/live_streams.js';
import { ProgressBoard } from '../../../src/daemon/progress_board.js';
import { MemoryLink } from '../pipeline/memory_link.js';
import { TestChildren, clock, failureOf, lost, placeAt, takeAll } from '../pipeline/outgoing_support.js';

const children = new TestChildren();
const data = randomBytes(24 * mib + 77);
const effect: EffectRecord = {
  id: 'transfer/1-a:4:0',
  actor: { kind: 'transfer', id: '1-a' },
  seq: 4,
  kind: 'send',
  params: {
    transfer: '1-a',
    attempt: 2,
    replica: 'lyon',
    image: 'vm',
    number: '2',
    plan: {
      uuid: 'uuid-of-2',
      parent: { number: '1', uuid: 'uuid-of-1' },
      reason: '',
      codec: 'none',
      stream_version: 2,
    },
  },
  status: 'running',
  epoch: 1,
  started_at_ms: 0,
  ended_at_ms: null,
  error: null,
};

let directory: string;
let live: LiveStreams;
/** The command lines that were started in place of btrfs. */
let started: string[];
let child_pid: number;
/** What the child does in place of `btrfs send`. */
let script: string;
let links: (MemoryLink | IcbdError)[];
let told: PlainEvent[];
let tellActor: (event: PlainEvent) => boolean;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'icbdrep-send-'));
  writeFileSync(join(directory, 'stream'), data);
  script = `exec cat '${join(directory, 'stream')}'`;
  live = new LiveStreams();
  started = [];
  links = [];
  told = [];
  tellActor = (event) => told.push(event) > 0;
});

afterEach(async () => {
  await live.closeAll();
  rmSync(directory, { recursive: true, force: true });
  await children.check();
});

function run(changes: Partial<SendOptions> = {}, signal = new AbortController().signal): Promise<PlainEvent> {
  const info = { read_only: true, subvolume_id: 1, received_uuid: '', parent_uuid: '', created_at_ms: 0 };
  const handler = sendEffect({
    store: {
      inspect: async (path) => {
        const number = path.split('/').at(-1) ?? '';
        return { ...info, number, uuid: `uuid-of-${number}`, created_generation: 1 };
      },
    },
    imagePath: (image) => `/images/${image}`,
    waitForData: async () => {
      const link = links.shift();
      if (link instanceof MemoryLink) return link.sink;
      throw link ?? new Error('no more links');
    },
    isLinked: () => true,
    estimate: async () => null,
    children: {
      start: (_effect_id, { program, args }) => {
        started.push([program, ...args].join(' '));
        const child = children.shell(script);
        child_pid = child.pid ?? 0;
        return child;
      },
    },
    live,
    progress: new ProgressBoard(clock, () => undefined),
    clock,
    stall_timeout_ms: 60_000,
    ...changes,
  });
  return handler(effect, { signal, tell: (event) => tellActor(event) });
}

function addLink(from?: StreamPlace | Promise<StreamPlace>): MemoryLink {
  const link = new MemoryLink(4, from);
  links.push(link);
  return link;
}

/** Takes until there is this much, says that it has half of it, and breaks the link. */
const takeAndLose = (link: MemoryLink, bytes_max: number) =>
  takeAll(link, 'none', (bytes) => {
    if (bytes < bytes_max) return;
    link.source.taken(bytes_max / 2);
    link.fail(lost);
  });

const take = (link: MemoryLink) => takeAll(link, 'none', (bytes) => link.source.taken(bytes));

it('sends a whole stream from its start', async () => {
  const link = addLink();
  const progress = new ProgressBoard(clock, () => undefined);
  let shown: ProgressRecord | null = null;
  const taking = takeAll(link, 'none', (bytes) => {
    shown ??= progress.current(effect.actor);
    link.source.taken(bytes);
  });
  const [event, taken] = await Promise.all([run({ progress }), taking]);
  expect(event).toEqual({ type: 'send.done', result: link.source.trailer });
  expect(taken.data.equals(data)).toBe(true);
  expect(told).toEqual([{ type: 'send.begun', offset_bytes: 0, is_live: false }]);
  expect(started).toEqual([expect.stringMatching(/^btrfs send .*-p \/images\/vm\/1 .*\/images\/vm\/2$/)]);
  expect(shown).toMatchObject({ attempt: 2, total_bytes: null });
  expect(progress.current(effect.actor)).toBeNull();
  expect(live.transfers).toEqual([]);
});

it('shows what the replica has taken, and what of it is on its disk', async () => {
  const link = addLink();
  const saved: ProgressRecord[] = [];
  const progress = new ProgressBoard(clock, (record) => saved.push(record));
  let shown: ProgressRecord | null = null;
  const taking = takeAll(link, 'none', (bytes) => {
    shown ??= progress.current(effect.actor);
    link.source.taken(bytes);
    if (bytes === 4 * mib) link.source.kept(3 * mib);
  });
  await Promise.all([run({ progress }), taking]);
  expect(shown).toMatchObject({ taken_bytes: 0, checkpoint_bytes: 0 });
  expect(saved.at(-1)).toMatchObject({
    stream_bytes: data.length,
    checkpoint_bytes: 3 * mib,
    checkpoint_at_ms: expect.any(Number),
  });
  expect(saved.at(-1)?.taken_bytes).toBeGreaterThanOrEqual(4 * mib);
});

describe('a lost link', () => {
  it('is told, and the running send goes on over the next one', async () => {
    const first = addLink();
    const [lost_event, half] = await Promise.all([run(), takeAndLose(first, 8 * mib)]);
    expect(lost_event).toEqual({ type: 'send.link_lost', error: lost.toReport() });
    expect(live.transfers).toEqual(['1-a']);
    const second = addLink(placeAt(data, 6 * mib));
    const [event, rest] = await Promise.all([run(), take(second)]);
    expect(event).toMatchObject({ type: 'send.done', result: { stream_bytes: data.length } });
    expect(Buffer.concat([half.data.subarray(0, 6 * mib), rest.data]).equals(data)).toBe(true);
    expect(told).toEqual([
      { type: 'send.begun', offset_bytes: 0, is_live: false },
      { type: 'send.begun', offset_bytes: 6 * mib, is_live: true },
    ]);
    expect(started).toHaveLength(1);
    expect(live.transfers).toEqual([]);
  });

  it('is followed by a new send if the replica has to go back further', async () => {
    await Promise.all([run(), takeAndLose(addLink(), 8 * mib)]);
    const link = addLink(placeAt(data, mib));
    const [event, rest] = await Promise.all([run(), take(link)]);
    expect(event.type).toBe('send.done');
    expect(rest.data.equals(data.subarray(mib))).toBe(true);
    expect(told[1]).toEqual({ type: 'send.begun', offset_bytes: mib, is_live: false });
    expect(started).toHaveLength(2);
  });

  it('is followed by a new send if the first has died meanwhile', async () => {
    await Promise.all([run(), takeAndLose(addLink(), 8 * mib)]);
    expect(live.transfers).toEqual(['1-a']);
    process.kill(child_pid, 'SIGKILL');
    await vi.waitFor(() => expect(live.transfers).toEqual([]), { timeout: 10_000 });
    const link = addLink(placeAt(data, 6 * mib));
    const [event] = await Promise.all([run(), take(link)]);
    expect(event.type).toBe('send.done');
    expect(started).toHaveLength(2);
  });

  it('may be lost while the stream is skipped, which goes on for the next one', async () => {
    const file = join(directory, 'stream');
    script = `head -c ${4 * mib} '${file}'; sleep 3; exec tail -c +${4 * mib + 1} '${file}'`;
    const first = addLink(placeAt(data, 20 * mib));
    setTimeout(() => first.fail(lost), 1_000);
    expect(await run()).toEqual({ type: 'send.link_lost', error: lost.toReport() });
    expect(told).toEqual([]);
    const second = addLink(placeAt(data, 20 * mib));
    const [event, rest] = await Promise.all([run(), take(second)]);
    expect(event.type).toBe('send.done');
    expect(rest.data.equals(data.subarray(20 * mib))).toBe(true);
    expect(told).toEqual([{ type: 'send.begun', offset_bytes: 20 * mib, is_live: true }]);
    expect(started).toHaveLength(1);
  });

  it('may be lost before the replica said from where, or before it came', async () => {
    addLink(Promise.reject(lost));
    expect(await run()).toEqual({ type: 'send.link_lost', error: lost.toReport() });
    const late = new IcbdError('TimedOut', 'nobody dialled', { operation: 'wait' });
    links.push(late);
    expect(await run({ isLinked: () => false })).toEqual({ type: 'send.link_lost', error: late.toReport() });
    links.push(late);
    expect(await failureOf(run())).toBe(late);
    expect(started).toEqual([]);
  });

  it('does not keep what is stopped', async () => {
    const controller = new AbortController();
    const link = addLink();
    const sent = failureOf(run({}, controller.signal));
    await takeAll(link, 'none', (bytes) => {
      if (bytes < 4 * mib) return;
      link.fail(lost);
      controller.abort(new IcbdError('Cancelled', 'by hand', { operation: 'test' }));
    });
    await sent;
    expect(live.transfers).toEqual([]);
  });
});

describe('a replica that has something', () => {
  it('is told now and then how far the stream is skipped, and gets the rest', async () => {
    script = `head -c ${8 * mib} '${join(directory, 'stream')}'; sleep 1.1; tail -c +${8 * mib + 1} '${join(directory, 'stream')}'`;
    const link = addLink(placeAt(data, 20 * mib));
    const [event, rest] = await Promise.all([run(), take(link)]);
    expect(event.type).toBe('send.done');
    expect(rest.data.equals(data.subarray(20 * mib))).toBe(true);
    expect(link.skipped).toHaveLength(1);
    expect(told).toEqual([{ type: 'send.begun', offset_bytes: 20 * mib, is_live: false }]);
  });

  it('hears of it if that is something else, and nothing runs on', async () => {
    const link = addLink({ offset_bytes: 4 * mib, hash: '0123456789abcdef' });
    const event = await run();
    expect(event).toMatchObject({ type: 'send.mismatch', error: { code: 'ResumeMismatch' } });
    expect(link.sink_aborted).toMatchObject({ code: 'ResumeMismatch' });
    expect(told).toEqual([]);
  });

  it('hears of it as well from a send that runs already', async () => {
    await Promise.all([run(), takeAndLose(addLink(), 8 * mib)]);
    const link = addLink({ offset_bytes: 6 * mib, hash: '0123456789abcdef' });
    expect(await run()).toMatchObject({ type: 'send.mismatch' });
    expect(link.sink_aborted).toMatchObject({ code: 'ResumeMismatch' });
    expect(live.transfers).toEqual([]);
    expect(started).toHaveLength(1);
  });
});

describe('what fails', () => {
  it('is thrown, and told to the replica', async () => {
    script = 'echo x; echo "cannot read" >&2; exit 1';
    const link = addLink();
    const error = await failureOf(run());
    expect(error.message).toContain('cannot read');
    expect(link.sink_aborted).toEqual(error.toReport());
  });

  it('may be that the process cannot be started', async () => {
    const link = addLink();
    const missing = new IcbdError('ProgramNotFound', 'btrfs is not installed', { operation: 'btrfs send' });
    const start = (): never => {
      throw missing;
    };
    expect(await failureOf(run({ children: { start } }))).toBe(missing);
    expect(link.sink_aborted).toEqual(missing.toReport());
  });

  it('may be that what is told cannot be committed', async () => {
    const link = addLink();
    tellActor = () => {
      throw new IcbdError('Internal', 'database gone', { operation: 'commit' });
    };
    expect((await failureOf(run())).message).toBe('database gone');
    expect(link.sink_aborted).toMatchObject({ code: 'Internal' });
  });

  it('may be that nothing moves: while it is skipped, and while it is sent', async () => {
    script = `echo x; exec sleep 600`;
    addLink({ ...stream_start, offset_bytes: mib });
    expect(await failureOf(run({ stall_timeout_ms: 300 }))).toMatchObject({ code: 'Stalled' });
    script = 'exec yes';
    addLink();
    expect(await failureOf(run({ stall_timeout_ms: 300 }))).toMatchObject({ code: 'Stalled' });
  });

  it('is not that the window is full while the link still moves', async () => {
    const link = addLink();
    const recycling = link.sink as typeof link.sink & { onWritten?: (block: Buffer) => void };
    const timer = setInterval(() => recycling.onWritten?.(Buffer.alloc(0)), 50);
    onTestFinished(() => clearInterval(timer));
    const sent = run({ stall_timeout_ms: 300 });
    const taking = (async () => {
      await sleep(900);
      return take(link);
    })();
    expect((await sent).type).toBe('send.done');
    await taking;
  });

  it('is a replica that never says from where, when the effect is stopped', async () => {
    const controller = new AbortController();
    const link = addLink(new Promise<StreamPlace>(() => undefined));
    setTimeout(() => controller.abort(new IcbdError('Cancelled', 'by hand', { operation: 'test' })), 50);
    expect(await failureOf(run({}, controller.signal))).toMatchObject({ code: 'Cancelled' });
    expect(link.sink_aborted).toMatchObject({ code: 'Cancelled' });
  });

  it('is a snapshot that is gone: no link is waited for', async () => {
    const gone = new IcbdError('BtrfsSubvolumeNotFound', 'gone', { operation: 'inspect' });
    expect(await failureOf(run({ store: { inspect: () => Promise.reject(gone) } }))).toMatchObject({
      code: 'SnapshotNotFound',
      retryable: true,
    });
  });
});

it('has an estimate for an ETA, once, and no more after the stream', async () => {
  script = `head -c ${4 * mib} '${join(directory, 'stream')}'; sleep 0.6; tail -c +${4 * mib + 1} '${join(directory, 'stream')}'`;
  let asked = 0;
  const estimate: SendOptions['estimate'] = async () => {
    asked += 1;
    return 123_456_789;
  };
  const progress = new ProgressBoard(clock, () => undefined);
  const link = addLink();
  let shown: ProgressRecord | null = null;
  const receiving = takeAll(link, 'none', (bytes) => {
    if (bytes < 8 * mib) return;
    shown ??= progress.current(effect.actor);
    link.fail(lost);
  });
  expect((await run({ estimate, progress })).type).toBe('send.link_lost');
  await receiving;
  expect(shown).toMatchObject({ total_bytes: 123_456_789 });
  const next = addLink(placeAt(data, 4 * mib));
  const [event] = await Promise.all([run({ estimate, progress }), take(next)]);
  expect(event.type).toBe('send.done');
  expect(asked).toBe(1);
});
