/**
 * What runs in the thread of a `CodecThread`: one codec, one direction, one block at a time.
 *
 * A compressed block is a sequence of pieces, each of the bytes of its data (u32, little-endian) and the data. A piece
 * holds 64 KiB of the block, the last one what is left: as far as lz4 looks back and snappy compresses at once, and
 * small enough for the packages' allocator to use the same memory again and again.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { CodecMessage, CodecOrder, CodecResult, CodecThreadData } from './codec_thread.js';

const piece_bytes = 64 * 1024;
const length_bytes = 4;

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

const { codec, direction, slot_bytes } = workerData as CodecThreadData;
const result = Buffer.allocUnsafeSlow(slot_bytes);
const { compress, decompress, claimedBytes } = await (codec === 'lz4' ? loadLz4() : loadSnappy());

const filler = Array.from({ length: 1024 }, (_, index) => index);

/**
 * The packages' outputs lie outside of the heap, and V8 waits for 32 MB of them before it looks which are garbage;
 * the allocators never give that back. So the heap's nursery, which is tiny here, is filled after each block: that
 * makes V8 look after every few, at a twentieth of the time that compressing takes.
 */
function collectSoon(): void {
  for (let count = 0; count < 32; count += 1) void filler.slice();
}

/** Compresses into `result`; undefined if it would not be smaller. */
function compressPieces(data: Buffer): number | undefined {
  if (data.length === 0) return undefined;
  let result_bytes = 0;
  for (let at = 0; at < data.length; at += piece_bytes) {
    const output = compress(data.subarray(at, at + piece_bytes));
    const next_bytes = result_bytes + length_bytes + output.length;
    if (next_bytes >= data.length) return undefined;
    result.writeUInt32LE(output.length, result_bytes);
    result.set(output, result_bytes + length_bytes);
    result_bytes = next_bytes;
  }
  return result_bytes;
}

/** Decompresses into `result`; allocates nothing for data that claim to be larger than they may be. */
function decompressPieces(data: Buffer, raw_bytes: number): number {
  let at = 0;
  for (let result_bytes = 0; result_bytes < raw_bytes; result_bytes += piece_bytes) {
    const wanted_bytes = Math.min(piece_bytes, raw_bytes - result_bytes);
    const start = at + length_bytes;
    at = start + data.readUInt32LE(at);
    const piece = data.subarray(start, at);
    if (at > data.length || claimedBytes(piece) !== wanted_bytes) throw new Error('the sizes do not agree');
    const output = decompress(piece);
    if (output.length !== wanted_bytes) throw new Error(`a piece has ${output.length} bytes`);
    result.set(output, result_bytes);
  }
  if (at !== data.length) throw new Error('there is more than the block claims');
  return raw_bytes;
}

function convert(slot: Buffer, { offset_bytes, data_bytes, raw_bytes }: CodecOrder): number | undefined {
  const data = slot.subarray(offset_bytes, offset_bytes + data_bytes);
  const bytes = direction === 'compress' ? compressPieces(data) : decompressPieces(data, raw_bytes);
  if (bytes !== undefined) result.copy(slot, offset_bytes, 0, bytes);
  collectSoon();
  return bytes;
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
  orders.shift();
  if (orders.length > 0) setImmediate(workOff);
}

parentPort?.on('message', (order: CodecMessage) => {
  orders.push(order);
  if (orders.length === 1) setImmediate(workOff);
});
