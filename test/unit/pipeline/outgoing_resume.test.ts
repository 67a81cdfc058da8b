import { createCipheriv } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, assert, beforeEach, describe, expect, it } from 'vitest';
import { type Codec, codec_names } from '../../../src/core/codecs.js';
import { type StreamTrailer, proof_grid_bytes as mib } from '../../../src/core/data_path.js';
import { Meter } from '../../../src/pipeline/meter.js';
import { OutgoingStream } from '../../../src/pipeline/outgoing_stream.js';
import { ProofHash } from '../../../src/pipeline/proof_hash.js';
import { MemoryLink } from './memory_link.js';
import { TestChildren, clock, gridBefore, lost, placesOf, takeAll } from './outgoing_support.js';

const window_bytes = 8 * mib;
const never = new AbortController().signal;
const children = new TestChildren();
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'icbdrep-resume-'));
});

afterEach(async () => {
  rmSync(directory, { recursive: true, force: true });
  await children.check();
});

/** How one link goes. */
interface LinkPlan {
  readonly capacity: number;
  /** It breaks when the receiver has this much of it; or after some time. */
  readonly loses_after_bytes: number;
  readonly loses_after_ms: number | undefined;
  /** The receiver says what it has taken each time that it has this much more. */
  readonly tells_every_bytes: number;
  /** Where between what it said last and what it has the next link begins. */
  readonly goes_on_at: number;
}

const link_plans = fc.array(
  fc.record<LinkPlan>({
    capacity: fc.integer({ min: 1, max: 12 }),
    loses_after_bytes: fc.integer({ min: 0, max: 6 * mib }),
    loses_after_ms: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
    tells_every_bytes: fc.integer({ min: 1, max: 3 * mib }),
    goes_on_at: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { maxLength: 6 },
);

/** Where the child falls silent for a moment, so that its blocks are of any size. */
const stream_plan = fc.record({
  stream_bytes: fc.integer({ min: 0, max: 14 * mib }),
  pauses: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 1 }),
  seed: fc.integer({ min: 0, max: 1_000_000 }),
});

function scriptOf(file: string, pauses_at: readonly number[]): string {
  const cuts = pauses_at.toSorted((one, other) => one - other);
  const parts = [0, ...cuts].map((from, index) => {
    const until = cuts[index];
    const rest = `tail -c +${from + 1} '${file}'`;
    return until === undefined ? rest : `${rest} | head -c ${until - from}; sleep 0.25`;
  });
  return parts.join('; ');
}

/** Bytes that do not compress, but for a part in the middle that does: so codecs give blocks of all sizes. */
function makeData(bytes: number, seed: number): Buffer {
  const key = Buffer.alloc(16, `${seed} `);
  const data = createCipheriv('aes-128-ctr', key, key).update(Buffer.alloc(bytes));
  return data.fill('a command of the stream', Math.floor(bytes / 3), Math.floor(bytes / 2));
}

/** The threads of a codec take their time to start in tests, one for each end of each link. */
const runs_of: Readonly<Record<Codec, number>> = { none: 30, zlib: 10, zstd: 5, snappy: 3, lz4: 3 };

interface Received {
  readonly data: Buffer;
  /** Whether the sender was done when its last link broke; it has let go of everything then. */
  readonly is_done: boolean;
}

/** One link: sends from a place, and breaks as planned; returns what came, and how far that was told. */
async function serve(
  stream: OutgoingStream,
  codec: Codec,
  start_bytes: number,
  plan: LinkPlan | undefined,
): Promise<{ trailer: StreamTrailer | undefined; data: Buffer; is_whole: boolean; told_bytes: number }> {
  const link = new MemoryLink(plan?.capacity);
  let told_bytes = start_bytes;
  let said_at_bytes = 0;
  const timer =
    plan?.loses_after_ms === undefined ? undefined : setTimeout(() => link.fail(lost), plan.loses_after_ms);
  const taking = takeAll(link, codec, (bytes) => {
    expect(stream.retained_bytes).toBeLessThanOrEqual(window_bytes);
    if (plan !== undefined && bytes > plan.loses_after_bytes) link.fail(lost);
    else if (bytes - said_at_bytes >= (plan?.tells_every_bytes ?? 0)) {
      said_at_bytes = bytes;
      told_bytes = gridBefore(start_bytes + bytes);
      link.source.taken(told_bytes);
    }
  });
  const meter = new Meter(clock, start_bytes);
  const sending = stream
    .sendTo({ sink: link.sink, codec, from_bytes: start_bytes, meter, signal: never })
    .catch((thrown: unknown) => {
      expect(thrown).toBe(lost);
      link.fail(lost);
      return undefined;
    });
  const [trailer, taken] = await Promise.all([sending, taking]);
  clearTimeout(timer);
  if (trailer !== undefined) assert.equal(meter.bytes, trailer.stream_bytes);
  return { trailer, data: taken.data, is_whole: taken.failure === undefined, told_bytes };
}

/** One stream through links that break; what arrives, joined. */
async function receiveAll(
  stream: OutgoingStream,
  codec: Codec,
  data: Buffer,
  plans: readonly LinkPlan[],
): Promise<Received> {
  const places = placesOf(data);
  const whole = new ProofHash();
  whole.update(data);
  let received = Buffer.alloc(0);
  let start_bytes = 0;
  for (let index = 0; ; index += 1) {
    const plan = plans[index];
    const place = places.get(start_bytes);
    expect(place).toBeDefined();
    expect(place !== undefined && stream.covers(place)).toBe(true);
    const link = await serve(stream, codec, start_bytes, plan);
    received = Buffer.concat([received.subarray(0, start_bytes), link.data]);
    if (link.trailer !== undefined) {
      assert.deepEqual(link.trailer, { stream_bytes: data.length, hash: whole.digest() });
      return { data: received, is_done: !link.is_whole };
    }
    // Any place that it may name next: between what it said that it has, and what it has.
    const beyond_bytes = (plan?.goes_on_at ?? 0) * (received.length - link.told_bytes);
    start_bytes = gridBefore(link.told_bytes + Math.round(beyond_bytes));
  }
}

describe.each(codec_names)('a stream over links that break, with codec %s', (codec) => {
  it('arrives as it is, and is read once', { timeout: 120_000 }, async () => {
    let runs = 0;
    const property = fc.asyncProperty(
      stream_plan,
      link_plans,
      async ({ stream_bytes, pauses, seed }, plans) => {
        const data = makeData(stream_bytes, seed);
        const file = join(directory, `stream-${(runs += 1)}`);
        writeFileSync(file, data);
        const pauses_at = pauses.map((part) => Math.floor(part * stream_bytes));
        const child = children.shell(scriptOf(file, pauses_at));
        const stream = new OutgoingStream({ child, clock, window_bytes });
        try {
          const received = await receiveAll(stream, codec, data, plans);
          expect(received.data.equals(data.subarray(0, received.data.length))).toBe(true);
          if (!received.is_done) assert.equal(received.data.length, data.length);
        } finally {
          await stream.stop(lost.toReport());
          rmSync(file);
        }
      },
    );
    await fc.assert(property, { numRuns: runs_of[codec] });
  });
});
