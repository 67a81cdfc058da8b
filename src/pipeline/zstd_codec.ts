/** zstd as one continuous stream: by Node where it has it (22.15 and later), else by the `zstd` program. */
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { IcbdError } from '../core/errors.js';
import { corruptData } from './block_codec.js';
import { type Converter, convert } from './converter.js';
import { nodeConverter } from './node_converter.js';
import { findProgram } from './program.js';
import { type RecyclingBlocks, withRecycle } from './recycling_blocks.js';
import { zstdProgram } from './zstd_program.js';

type Direction = 'compress' | 'decompress';
type ZstdFactory = (options: {
  readonly params?: Record<number, number>;
  readonly chunkSize: number;
}) => Transform;

const chunk_bytes = 256 * 1024;
/** The history that a stream may ask the receiver to keep: level 1 needs 512 KiB. */
const window_bits_max = 23;

/** What newer versions of Node have; those that this is built against do not know it. */
function nodeFactory(direction: Direction): ZstdFactory | undefined {
  const name = direction === 'compress' ? 'createZstdCompress' : 'createZstdDecompress';
  const factory: unknown = Reflect.get(zlib, name);
  return typeof factory === 'function'
    ? (options) => Reflect.apply(factory, zlib, [options]) as Transform
    : undefined;
}

function nodeParameter(name: string, value: number): Record<number, number> {
  const key: unknown = Reflect.get(zlib.constants, name);
  return typeof key === 'number' ? { [key]: value } : {};
}

function builtInConverter(direction: Direction, factory: ZstdFactory): Converter {
  const params =
    direction === 'compress'
      ? { ...nodeParameter('ZSTD_c_compressionLevel', 1), ...nodeParameter('ZSTD_c_checksumFlag', 1) }
      : nodeParameter('ZSTD_d_windowLogMax', window_bits_max);
  return nodeConverter(factory({ params, chunkSize: chunk_bytes }));
}

function programConverter(direction: Direction): Converter {
  const args =
    direction === 'compress'
      ? ['-1', '-T1', '--single-thread']
      : ['-d', `--memory=${2 ** (window_bits_max - 20)}MB`];
  return zstdProgram(direction, args);
}

/** Which of the two ways to take; tests ask for one. */
export type ZstdWay = 'node' | 'program';

/** The ways that this machine has, the better first. */
export function zstdWays(): ZstdWay[] {
  const ways: ZstdWay[] = nodeFactory('compress') === undefined ? [] : ['node'];
  return findProgram('zstd') === undefined ? ways : [...ways, 'program'];
}

function converter(direction: Direction, way: ZstdWay | undefined): Converter {
  const factory = way === 'program' ? undefined : nodeFactory(direction);
  return factory === undefined ? programConverter(direction) : builtInConverter(direction, factory);
}

type Recycle = (block: Buffer) => void;

/**
 * Starts the converter with the first block that is asked for.
 * @param run what comes out of the converter
 */
function lazily(start: () => Converter, run: (started: Converter) => AsyncIterable<Buffer>): RecyclingBlocks {
  let started: Converter | undefined;
  async function* blocks(): AsyncGenerator<Buffer, void, undefined> {
    started = start();
    yield* run(started);
  }
  return withRecycle(blocks(), (block) => started?.output.recycle(block));
}

/** @throws IcbdError `ProgramNotFound` if neither Node nor the machine has zstd */
export function encodeZstd(
  blocks: AsyncIterable<Buffer>,
  recycle: Recycle,
  way: ZstdWay | undefined = zstdWays()[0],
): RecyclingBlocks {
  return lazily(
    () => converter('compress', way),
    (started) => convert(blocks, started, recycle),
  );
}

/**
 * Memory is bounded by the window (8 MiB), whatever the stream claims.
 * @throws IcbdError `CorruptData`, also for a stream that ends too early; `ProgramNotFound`
 */
export function decodeZstd(
  blocks: AsyncIterable<Buffer>,
  recycle: Recycle,
  way: ZstdWay | undefined = zstdWays()[0],
): RecyclingBlocks {
  return lazily(
    () => converter('decompress', way),
    (started) => decodeWith(started, blocks, recycle),
  );
}

async function* decodeWith(
  started: Converter,
  blocks: AsyncIterable<Buffer>,
  recycle: Recycle,
): AsyncGenerator<Buffer, void, undefined> {
  const source = watchSource(blocks);
  try {
    yield* convert(source.blocks, started, recycle);
  } catch (thrown) {
    const is_ours = source.hasFailed() || (thrown instanceof IcbdError && thrown.code !== 'ProcessFailed');
    if (is_ours) throw thrown;
    throw corruptData('zstd', thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

/** Tells a failure of the source, which passes as it is, from one of the decompressor. */
function watchSource(blocks: AsyncIterable<Buffer>): {
  blocks: AsyncIterable<Buffer>;
  hasFailed: () => boolean;
} {
  let has_failed = false;
  const iterator = blocks[Symbol.asyncIterator]();
  const watched: AsyncIterableIterator<Buffer> = {
    [Symbol.asyncIterator]: () => watched,
    next: async () => {
      try {
        return await iterator.next();
      } catch (thrown) {
        has_failed = true;
        throw thrown;
      }
    },
    return: async () => {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
  return { blocks: watched, hasFailed: () => has_failed };
}
