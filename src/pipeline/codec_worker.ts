/** What runs in the thread of a `CodecThread`: one codec, one direction, one block at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CodecMessage, CodecOrder, CodecResult, CodecThreadData } from './codec_thread.js';

type Work = (data: Buffer) => Uint8Array;

/** The decompressed size that a raw snappy block starts with, a varint; undefined if it is none. */
function claimedBySnappy(data: Buffer): number | undefined {
  let size = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = data[index];
    if (byte === undefined) return undefined;
    size += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return size;
  }
  return undefined;
}

function bytesOf(output: string | Uint8Array): Uint8Array {
  return typeof output === 'string' ? Buffer.from(output) : output;
}

interface ThreadCodecCalls {
  readonly compress: Work;
  readonly decompress: Work;
  /** What the data says that it will decompress to: the packages allocate by it. */
  readonly claimedBytes: (data: Buffer) => number | undefined;
}

/** Raw LZ4 blocks; the package puts the decompressed size, u32 little-endian, in front. */
async function loadLz4(): Promise<ThreadCodecCalls> {
  const { compressSync, uncompressSync } = await import('lz4-napi');
  return {
    compress: (data) => compressSync(data),
    decompress: (data) => uncompressSync(data),
    claimedBytes: (data) => (data.length < 4 ? undefined : data.readUInt32LE(0)),
  };
}

/** Raw snappy blocks (not the framed format). */
async function loadSnappy(): Promise<ThreadCodecCalls> {
  const { compressSync, uncompressSync } = await import('snappy');
  // Copies lie in memory that Node counts, and frees soon.
  const copyOutputData = true;
  return {
    compress: (data) => compressSync(data, { copyOutputData }),
    decompress: (data) => bytesOf(uncompressSync(data, { asBuffer: true, copyOutputData })),
    claimedBytes: claimedBySnappy,
  };
}

const { codec, direction } = workerData as CodecThreadData;
const { compress, decompress, claimedBytes } = await (codec === 'lz4' ? loadLz4() : loadSnappy());

const filler = Array.from({ length: 1024 }, (_, index) => index);

/**
 * The packages' outputs lie outside of the heap, and V8 waits for 32 MB of them before it looks which are garbage;
 * freed that many at once, they cost page faults when they are made again, and the allocators keep a part. So the
 * heap's nursery, which is tiny here, is filled with each block (1 MB, all of it garbage): then V8 looks each time.
 */
function collectSoon(): void {
  for (let count = 0; count < 128; count += 1) void filler.slice();
}

function convert(slot: Buffer, { offset_bytes, data_bytes, raw_bytes }: CodecOrder): number | undefined {
  const data = slot.subarray(offset_bytes, offset_bytes + data_bytes);
  if (direction === 'decompress' && claimedBytes(data) !== raw_bytes) {
    throw new Error('the sizes do not agree');
  }
  const output = direction === 'compress' ? compress(data) : decompress(data);
  if (direction === 'compress' && output.length >= data_bytes) return undefined;
  if (direction === 'decompress' && output.length !== raw_bytes) {
    throw new Error(`a block has ${output.length} bytes and not ${raw_bytes}`);
  }
  slot.set(output, offset_bytes);
  return output.length;
}

function answer({ memory, ...order }: CodecMessage): CodecResult {
  const { slot } = order;
  try {
    return { slot, memory, output_bytes: convert(Buffer.from(memory), order) };
  } catch (thrown) {
    return { slot, memory, output_bytes: undefined, failure: String(thrown) };
  }
}

const orders: CodecMessage[] = [];

/** One order in each turn of the event loop: what the packages allocated is freed between turns only. */
function workOff(): void {
  const order = orders[0];
  if (order === undefined) return;
  parentPort?.postMessage(answer(order), [order.memory]);
  collectSoon();
  orders.shift();
  if (orders.length > 0) setImmediate(workOff);
}

parentPort?.on('message', (order: CodecMessage) => {
  orders.push(order);
  if (orders.length === 1) setImmediate(workOff);
});
