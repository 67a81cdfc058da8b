import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SegmentedReceive, type SegmentedReceiveOptions } from '../../../src/btrfs/segmented_receive.js';
import type { Checkpoint } from '../../../src/core/checkpoint.js';
import type { StreamVersion } from '../../../src/core/codecs.js';
import { proof_grid_bytes } from '../../../src/core/data_path.js';
import { IcbdError } from '../../../src/core/errors.js';
import { Meter } from '../../../src/pipeline/meter.js';
import { ProofHash } from '../../../src/pipeline/proof_hash.js';
import { pumpReceive, type ReceiveEnd } from '../../../src/pipeline/receive_pump.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import {
  checkKept,
  clock,
  link_lost,
  MemoryParts,
  type Step,
  StepSource,
  trailerOf,
  turn,
} from '../pipeline/receive_support.js';
import * as sample from '../stream/sample_stream.js';
import { cloneCommand, essence, originalOf } from '../stream/segments.js';

const { sample_uuid, sample_clone_uuid } = sample;
const expected = {
  uuid: sample_uuid,
  parent_uuid: null,
  stream_version: 2,
  name: '7',
  sources: new Set([sample_clone_uuid]),
} as const;
const never = new AbortController().signal;

/** What one reception keeps from run to run. */
class Bench {
  readonly parts = new MemoryParts();
  checkpoint: Checkpoint | null = null;
  run = 0;
  told: Checkpoint[] = [];
  receiver: SegmentedReceive | undefined;
  readonly options: Partial<SegmentedReceiveOptions>;

  constructor(options: Partial<SegmentedReceiveOptions> = {}) {
    this.options = options;
  }

  receive(source: StepSource, signal = never): Promise<ReceiveEnd> {
    this.run += 1;
    const receiver = new SegmentedReceive({
      expected,
      seed: '12-ab3f',
      run: this.run,
      checkpoint: this.checkpoint,
      segment_bytes: 700_000,
      segment_ms: 600_000,
      clock,
      startReceiver: () => this.parts.start(),
      makeDurable: async (checkpoint) => {
        await turn();
        checkKept(this.parts, checkpoint);
        this.checkpoint = checkpoint;
        this.told.push(checkpoint);
      },
      ...this.options,
    });
    this.receiver = receiver;
    return pumpReceive({ receiver, codec: 'none', source, meter: new Meter(clock), clock, signal });
  }

  /** The stream from where this wants it. */
  rest(stream: Buffer): Buffer {
    return stream.subarray(this.checkpoint?.proof.offset_bytes ?? 0);
  }

  /** The commands of the snapshot that is complete, without what opens and closes the parts. */
  joined(): unknown[] {
    const chain = this.parts.chainTo(this.receiver?.hidden_name ?? '');
    return chain.flatMap(({ commands, uuid }, place) =>
      commands.slice(place === 0 ? 0 : 1, -1).map((command) => essence(command, uuid)),
    );
  }
}

const write = (index: number, bytes: number): Buffer =>
  sample.writeDataCommand(`f${index}`, Buffer.alloc(bytes, index), 2);

function streamOf(commands: readonly Buffer[], version: StreamVersion = 2): Buffer {
  const head = sample.subvolCommand('7', version);
  return Buffer.concat([writeStreamHeader(version), head, ...commands, sample.end_command]);
}

/** Some MB, so that there are several places of the grid. */
const large = streamOf(Array.from({ length: 40 }, (_, index) => write(index, 90_001)));

const arbitrary_stream = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 131_000 }), fc.constantFrom('own clone', 'other clone')), {
    maxLength: 40,
  })
  .map((all) =>
    streamOf(
      all.map((what, index) =>
        typeof what === 'number'
          ? write(index, what)
          : cloneCommand(what === 'own clone' ? sample_uuid : sample_clone_uuid, 2),
      ),
    ),
  );

interface LinkPlan {
  readonly cuts: readonly number[];
  /** Blocks after which it ends. */
  readonly blocks: number;
  readonly end: 'lost' | 'killed';
}

const arbitrary_links = fc.array(
  fc.record({
    cuts: fc.array(fc.nat(), { maxLength: 6 }),
    blocks: fc.nat({ max: 6 }),
    end: fc.constantFrom<'lost' | 'killed'>('lost', 'killed'),
  }),
  { maxLength: 6 },
);

/** @returns how it ended */
async function runLink(bench: Bench, stream: Buffer, { cuts, blocks, end }: LinkPlan): Promise<string> {
  const controller = new AbortController();
  const killed = new IcbdError('Interrupted', 'killed', { operation: 'test' });
  const steps: Step[] = sample.cut(bench.rest(stream), cuts).slice(0, blocks);
  const last: Step = end === 'lost' ? link_lost : () => controller.abort(killed);
  const running = bench.receive(new StepSource([...steps, last]), controller.signal);
  return running.then(
    ({ kind }) => (kind === 'link_lost' ? 'lost' : kind),
    (thrown: unknown) => (thrown === killed ? 'killed' : String(thrown)),
  );
}

test('lost and killed at any points, in any pieces, it goes on from the last checkpoint and makes the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitrary_stream,
      arbitrary_links,
      sample.arbitrary_cuts,
      fc.integer({ min: 1, max: 2_000_000 }),
      async (stream, links, cuts, segment_bytes) => {
        const bench = new Bench({ segment_bytes });
        for (const link of links) {
          expect(await runLink(bench, stream, link)).toBe(link.end);
          expect(bench.parts.running).toBe(0);
        }
        const source = new StepSource(sample.cut(bench.rest(stream), cuts), trailerOf(stream));
        expect((await bench.receive(source)).kind).toBe('complete');
        expect(bench.joined()).toEqual(originalOf(stream));
        expect(bench.parts.kept.get(bench.receiver?.hidden_name ?? '')?.uuid).toBe(sample_uuid);
        expect(new Set(source.recycled)).toEqual(new Set(source.lent));
        expect(source.recycled).toHaveLength(source.lent.length);
      },
    ),
    { numRuns: 60 },
  );
});

test('what is told as taken is never beyond the checkpoint that a lost link leaves', async () => {
  await fc.assert(
    fc.asyncProperty(sample.arbitrary_cuts, fc.nat({ max: 30 }), async (cuts, blocks) => {
      const stream = Buffer.concat([
        large.subarray(0, -10),
        ...Array.from({ length: 60 }, () => write(1, 131_000)),
      ]);
      const bench = new Bench({ segment_bytes: 5_000_000 });
      const source = new StepSource([...sample.cut(stream, cuts).slice(0, blocks), link_lost]);
      await bench.receive(source);
      const proven = bench.checkpoint?.proof.offset_bytes ?? 0;
      for (const offset of source.told) {
        expect(offset % proof_grid_bytes).toBe(0);
        expect(offset).toBeLessThanOrEqual(proven);
      }
      expect(proven - (source.told.at(-1) ?? 0)).toBeLessThan(4 * proof_grid_bytes + 1);
    }),
    { numRuns: 20 },
  );
});

test('after a lost link all complete commands that came are in the checkpoint', async () => {
  const bench = new Bench({ segment_bytes: 100_000_000 });
  const came = large.length - 50_000;
  await bench.receive(
    new StepSource([large.subarray(0, 2_000_000), large.subarray(2_000_000, came), link_lost]),
  );
  const last = bench.checkpoint;
  const in_last_command = write(39, 90_001).length + sample.end_command.length;
  expect(last?.offset_bytes).toBe(large.length - in_last_command);
  expect(last?.proof.offset_bytes).toBe(3 * proof_grid_bytes);
  const hash = new ProofHash();
  hash.update(large.subarray(0, 3 * proof_grid_bytes));
  expect(last?.proof).toEqual(hash.aligned);
  expect(last).toMatchObject({
    source: { uuid: sample_uuid, parent_uuid: null, stream_version: 2 },
    index: 0,
    ctransid: '42',
    name: '.icbdrep-part-12-ab3f.1.0.0',
  });
});

test('END reaches no receiver before the trailer agrees, and never if it does not', async () => {
  const trailer = trailerOf(large);
  const wrong = [
    { ...trailer, hash: '0'.repeat(16) },
    { ...trailer, stream_bytes: trailer.stream_bytes + 1 },
  ];
  const own_uuid = Buffer.from(sample_uuid.replaceAll('-', ''), 'hex');
  for (const said of wrong) {
    const bench = new Bench();
    const source = new StepSource([large], said);
    await expect(bench.receive(source)).rejects.toMatchObject({ code: 'HashMismatch', retryable: true });
    expect(source.aborted).toMatchObject({ code: 'HashMismatch' });
    expect(Buffer.concat(bench.parts.written).includes(own_uuid)).toBe(false);
    expect(bench.receiver?.hidden_name).toBe('');
    expect(bench.parts.running).toBe(0);
  }
  const bench = new Bench();
  let seen: boolean | undefined;
  const look = async (): Promise<void> => {
    for (let turns = 0; turns < 20; turns += 1) await turn();
    seen = Buffer.concat(bench.parts.written).includes(own_uuid);
  };
  await bench.receive(new StepSource([large, look], trailer));
  expect(seen).toBe(false);
  expect(Buffer.concat(bench.parts.written).includes(own_uuid)).toBe(true);
});

test('another stream than the one of the checkpoint is found out before any of it is received', async () => {
  const bench = new Bench();
  await bench.receive(new StepSource([large.subarray(0, 2_500_000), link_lost]));
  const { checkpoint, parts } = bench;
  if (checkpoint === null) throw new Error('no checkpoint');
  expect(checkpoint.offset_bytes % proof_grid_bytes).not.toBe(0);
  const started = parts.started;
  const other = Buffer.from(large);
  const changed = checkpoint.offset_bytes - 1;
  other.writeUInt8(other.readUInt8(changed) ^ 1, changed);
  for (const source of [
    new StepSource([bench.rest(other)], trailerOf(other)),
    new StepSource([bench.rest(large).subarray(0, 1_000)], trailerOf(large.subarray(0, 1_000))),
  ]) {
    await expect(bench.receive(source)).rejects.toMatchObject({ code: 'ResumeMismatch', retryable: true });
    expect(source.aborted).toMatchObject({ code: 'ResumeMismatch' });
  }
  expect(parts.started).toBe(started);
});

test('what no stream of the snapshot has is refused, also after it was resumed', async () => {
  const refuse = async (bench: Bench, stream: Buffer, why: string): Promise<void> => {
    const source = new StepSource([bench.rest(stream)], trailerOf(stream));
    const error = await bench.receive(source).then(
      () => undefined,
      (thrown: unknown) => thrown as IcbdError,
    );
    expect(error).toMatchObject({ code: 'StreamRefused', retryable: false });
    expect(error?.message).toContain(why);
    expect(bench.parts.running).toBe(0);
  };
  const other_uuid = sample_uuid.replace('00', 'ff');
  await refuse(new Bench({ expected: { ...expected, uuid: other_uuid } }), large, `not ${other_uuid}`);
  await refuse(new Bench({ expected: { ...expected, name: '8' } }), large, 'named "8" is expected');
  await refuse(new Bench({ expected: { ...expected, stream_version: 1 } }), large, 'agreed was 1');
  await refuse(
    new Bench({ expected: { ...expected, parent_uuid: sample_clone_uuid } }),
    large,
    'is based on nothing',
  );
  const head = sample.snapshotCommand('7', 2);
  const incremental = Buffer.concat([writeStreamHeader(2), head, sample.end_command]);
  await refuse(new Bench(), incremental, 'not on nothing');
  await refuse(new Bench(), Buffer.concat([large, streamOf([])]), 'goes on behind its END');
  const escape = sample.writeDataCommand('../../etc/passwd', Buffer.from('x'), 2);
  const foreign = cloneCommand('12345678-1234-1234-1234-123456789abc', 2);
  for (const [bad, why] of [
    [escape, '".."'],
    [foreign, 'not among the snapshots'],
    [sample.subvolCommand('7', 2), 'this is another'],
  ] as const) {
    const hostile = Buffer.concat([large.subarray(0, -10), bad, sample.end_command]);
    await refuse(new Bench(), hostile, why);
    const resumed = new Bench();
    await resumed.receive(new StepSource([large.subarray(0, 2_500_000), link_lost]));
    expect(resumed.checkpoint).not.toBeNull();
    await refuse(resumed, hostile, why);
    await refuse(resumed, hostile, `at byte ${large.length - 10}`);
  }
});

test('a failing checkpoint, and a failing receiver, end it though nothing comes', async () => {
  const hung = new Promise<void>(() => undefined);
  const disk = new IcbdError('NoSpace', 'disk full', { operation: 'test' });
  const bench = new Bench({ makeDurable: () => Promise.reject(disk) });
  await expect(bench.receive(new StepSource([large, () => hung]))).rejects.toThrow('disk full');
  expect(bench.parts.running).toBe(0);
  const dying = new Bench({
    startReceiver: (onFailure) => {
      setTimeout(() => onFailure(disk), 20);
      return dying.parts.start();
    },
  });
  const source = new StepSource([large.subarray(0, 100_000), () => hung]);
  await expect(dying.receive(source)).rejects.toThrow('disk full');
  expect(source.aborted).toMatchObject({ code: 'NoSpace' });
  expect(dying.parts.running).toBe(0);
});

test('a stop while everything hangs ends it, and nothing is started afterwards', async () => {
  const controller = new AbortController();
  let release: (() => void) | undefined;
  const bench = new Bench();
  bench.parts.onWrite = () =>
    new Promise<void>((resolve) => {
      release = resolve;
      setTimeout(() => controller.abort(), 5);
    });
  await expect(bench.receive(new StepSource([large]), controller.signal)).rejects.toMatchObject({
    code: 'Interrupted',
  });
  release?.();
  for (let turns = 0; turns < 20; turns += 1) await turn();
  expect([bench.parts.running, bench.parts.started, bench.told]).toEqual([0, 1, []]);
});

test('what came is kept after a while, though nothing more comes and the segment is not full', async () => {
  const bench = new Bench({ segment_bytes: 100_000_000, segment_ms: 30 });
  let told_in_between = 0;
  const wait = async (): Promise<void> => {
    while (bench.told.length === 0) await turn();
    told_in_between = bench.told.length;
  };
  const half = 1_500_000;
  await bench.receive(
    new StepSource([large.subarray(0, half), wait, large.subarray(half)], trailerOf(large)),
  );
  expect(told_in_between).toBe(1);
  expect(bench.told[0]?.offset_bytes).toBeGreaterThan(half - 100_000);
  expect(bench.joined()).toEqual(originalOf(large));
});
