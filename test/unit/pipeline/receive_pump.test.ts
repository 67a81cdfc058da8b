import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Codec, codec_names } from '../../../src/core/codecs.js';
import { proof_grid_bytes, stream_start, type StreamTrailer } from '../../../src/core/data_path.js';
import { type ErrorReport, IcbdError } from '../../../src/core/errors.js';
import { encode } from '../../../src/pipeline/codec.js';
import { Meter } from '../../../src/pipeline/meter.js';
import { pumpReceive, type ReceiveEnd, type StreamReceiver } from '../../../src/pipeline/receive_pump.js';
import { clock, link_lost, type Step, StepSource, trailerOf, turn } from './receive_support.js';

/** Remembers what it is asked for; `onPush` may make it slow or let it fail. */
class Recorder implements StreamReceiver {
  from = stream_start;
  onFailure: (cause: IcbdError) => void = () => undefined;
  cut_after_ms: number | undefined;
  readonly calls: string[] = [];
  readonly got: Buffer[] = [];
  stop_reason: ErrorReport | undefined;
  onPush: () => Promise<void> | void = () => undefined;
  onKeep: () => Promise<void> | void = () => undefined;

  get taken_bytes(): number {
    return this.from.offset_bytes + this.got.reduce((sum, { length }) => sum + length, 0);
  }

  async push(block: Buffer, onWritten: () => void): Promise<void> {
    await this.onPush();
    this.got.push(Buffer.from(block));
    onWritten();
  }

  async cut(): Promise<void> {
    this.calls.push('cut');
    this.cut_after_ms = undefined;
  }

  async keep(): Promise<void> {
    this.calls.push('keep');
    await this.onKeep();
  }

  async finish(trailer: StreamTrailer): Promise<void> {
    this.calls.push(`finish ${trailer.stream_bytes}`);
  }

  async stop(reason: ErrorReport): Promise<void> {
    this.stop_reason ??= reason;
    await turn();
    this.calls.push(`stopped ${this.stop_reason.code}`);
  }
}

const never = new AbortController().signal;
const hung = (): Promise<void> => new Promise(() => undefined);

function receive(
  receiver: StreamReceiver,
  source: StepSource,
  { codec = 'none', signal = never }: { codec?: Codec; signal?: AbortSignal } = {},
): Promise<ReceiveEnd> {
  return pumpReceive({ receiver, codec, source, meter: new Meter(clock), clock, signal });
}

async function encoded(codec: Codec, blocks: readonly Buffer[]): Promise<Buffer[]> {
  async function* copies() {
    for (const block of blocks) yield Buffer.from(block);
  }
  const result: Buffer[] = [];
  for await (const block of encode(codec, copies())) result.push(Buffer.from(block));
  return result;
}

describe.each(codec_names)('a stream with codec %s', (codec) => {
  const blocks = [randomBytes(1_000_000), Buffer.alloc(900_000, 'text'), randomBytes(5)];

  it('arrives whole and is finished', async () => {
    const receiver = new Recorder();
    const trailer = trailerOf(Buffer.concat(blocks));
    const source = new StepSource(await encoded(codec, blocks), trailer);
    expect(await receive(receiver, source, { codec })).toEqual({ kind: 'complete', trailer });
    expect(Buffer.concat(receiver.got).equals(Buffer.concat(blocks))).toBe(true);
    expect(receiver.calls).toEqual(['finish 1900005']);
  });

  it('is kept when the link is lost, and what came of it is its beginning', async () => {
    const receiver = new Recorder();
    const source = new StepSource([...(await encoded(codec, blocks)), link_lost]);
    expect(await receive(receiver, source, { codec })).toEqual({ kind: 'link_lost', cause: link_lost });
    const got = Buffer.concat(receiver.got);
    expect(got.equals(Buffer.concat(blocks).subarray(0, got.length))).toBe(true);
    expect(receiver.calls).toEqual(['keep']);
    expect(source.aborted).toBeUndefined();
  });
});

it('says what is taken every 4 MiB, in whole places of the grid, from where it began', async () => {
  const receiver = new Recorder();
  receiver.from = { offset_bytes: 3 * proof_grid_bytes, hash: '00' };
  const stream = Buffer.alloc(13_000_000, 1);
  const blocks = Array.from({ length: 13 }, (_, index) =>
    stream.subarray(index * 1_000_000, (index + 1) * 1_000_000),
  );
  const source = new StepSource(blocks, trailerOf(stream));
  await receive(receiver, source);
  expect(source.told).toEqual([7, 11, 15].map((place) => place * proof_grid_bytes));
});

it('gives each block back once, and takes no next one before', async () => {
  const receiver = new Recorder();
  let release: (() => void) | undefined;
  receiver.onPush = () =>
    new Promise<void>((resolve) => {
      release = resolve;
    });
  const blocks = Array.from({ length: 5 }, () => randomBytes(100));
  const source = new StepSource(blocks, trailerOf(Buffer.concat(blocks)));
  const received = receive(receiver, source);
  for (let count = 1; count <= blocks.length; count += 1) {
    for (let turns = 0; turns < 10; turns += 1) await turn();
    expect([source.lent.length, source.recycled.length]).toEqual([count, count - 1]);
    release?.();
  }
  await received;
  expect(source.recycled).toEqual(source.lent);
});

it('cuts when it is due while nothing comes, and takes what comes later', async () => {
  const receiver = new Recorder();
  receiver.cut_after_ms = 20;
  const wait = async (): Promise<void> => {
    while (receiver.calls.length === 0) await turn();
  };
  const block = Buffer.from('bytes');
  await receive(receiver, new StepSource([wait, block], trailerOf(block)));
  expect(receiver.calls).toEqual(['cut', 'finish 5']);
  expect(Buffer.concat(receiver.got)).toEqual(block);
});

/** The code of the failure that is thrown, that the source is aborted with, and that the receiver is stopped with. */
async function failing(
  receiver: Recorder,
  steps: readonly Step[],
  options: { codec?: Codec; signal?: AbortSignal } = {},
): Promise<unknown> {
  const source = new StepSource(steps);
  const thrown: unknown = await receive(receiver, source, options).catch((error: unknown) => error);
  const code = thrown instanceof IcbdError ? thrown.code : thrown;
  return [code, source.aborted?.code, receiver.calls.at(-1)];
}

/** What `failing` gives. */
const ofCode = (code: string): string[] => [code, code, `stopped ${code}`];

describe('a failure stops the receiver and the source, and is thrown', () => {
  const disk = new IcbdError('NoSpace', 'disk full', { operation: 'test' });
  const block = Buffer.from('bytes');

  it('of the source, but for a lost link', async () => {
    const aborted = new IcbdError('BtrfsFailed', 'the sender gave up', { operation: 'test' });
    expect(await failing(new Recorder(), [block, aborted])).toEqual(ofCode('BtrfsFailed'));
  });

  it('of the codec', async () => {
    expect(await failing(new Recorder(), [Buffer.from('no block')], { codec: 'lz4' })).toEqual(
      ofCode('CorruptData'),
    );
  });

  it('of the receiver that takes a block, and of one that keeps what came', async () => {
    const receiver = new Recorder();
    receiver.onPush = () => Promise.reject(disk);
    expect(await failing(receiver, [block, hung])).toEqual(ofCode('NoSpace'));
    const keeper = new Recorder();
    keeper.onKeep = () => Promise.reject(disk);
    expect(await failing(keeper, [block, link_lost])).toEqual(ofCode('NoSpace'));
  });

  it('of the receiver while nothing is asked of it', async () => {
    const receiver = new Recorder();
    setTimeout(() => receiver.onFailure(disk), 20);
    expect(await failing(receiver, [block, hung])).toEqual(ofCode('NoSpace'));
  });

  it.each(codec_names)('by the signal, while nothing comes, or the receiver hangs (%s)', async (codec) => {
    for (const steps of [[hung], [...(await encoded(codec, [block])), hung]]) {
      const controller = new AbortController();
      const receiver = new Recorder();
      receiver.onPush = hung;
      setTimeout(() => controller.abort(), 20);
      expect(await failing(receiver, steps, { codec, signal: controller.signal })).toEqual(
        ofCode('Interrupted'),
      );
    }
  });

  it('by a signal that was aborted before, and while what came is being kept', async () => {
    expect(await failing(new Recorder(), [block], { signal: AbortSignal.abort() })).toEqual(
      ofCode('Interrupted'),
    );
    const controller = new AbortController();
    const receiver = new Recorder();
    receiver.onKeep = () => {
      controller.abort(new IcbdError('Stalled', 'no byte moved', { operation: 'test' }));
      return hung();
    };
    expect(await failing(receiver, [block, link_lost], { signal: controller.signal })).toEqual(
      ofCode('Stalled'),
    );
  });
});
