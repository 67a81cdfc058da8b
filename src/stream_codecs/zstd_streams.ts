/** The codec `zstd` (RFC 8878): by Node where it has it (22.15 and later), else by the program `zstd`. */
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { IcbdError } from '../core/errors.js';
import { convert } from '../pipeline/converter.js';
import { nodeConverter } from '../pipeline/node_converter.js';
import { zstdProgram } from '../pipeline/zstd_program.js';
import { type ZstdWay, zstdWays } from '../pipeline/zstd_codec.js';
import { damagedWithin } from './damage.js';
import type { Chunks } from './flow.js';
import { WatchedSource } from './watched_source.js';
import { reasonOf } from './raw_snappy.js';
import { ZstdFrames, zstd_window_bits_max } from './zstd_frames.js';

const codec = 'zstd';
const keep = (): void => undefined;

type Direction = 'compress' | 'decompress';

/** What newer versions of Node have, and the types of the oldest do not know. */
function nodeStream(direction: Direction, parameters: Readonly<Record<string, number>>): Transform {
  const factory: unknown = Reflect.get(
    zlib,
    direction === 'compress' ? 'createZstdCompress' : 'createZstdDecompress',
  );
  if (typeof factory !== 'function') {
    throw new IcbdError('ProgramNotFound', 'this Node.js has no zstd', {
      operation: direction,
      subject: codec,
    });
  }
  const params = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [String(Reflect.get(zlib.constants, name)), value]),
  );
  return Reflect.apply(factory, zlib, [{ params }]) as Transform;
}

/** @throws IcbdError `ProgramNotFound` */
function theWay(way: ZstdWay | undefined, direction: Direction): ZstdWay {
  if (way !== undefined) return way;
  throw new IcbdError('ProgramNotFound', 'neither this Node.js nor this machine has zstd', {
    operation: direction,
    subject: codec,
    hint: 'install the package zstd, or use Node.js 22.15 or newer',
  });
}

/**
 * @param way for tests
 * @throws IcbdError `ProgramNotFound`
 */
export async function* compressZstd(
  source: AsyncIterable<Buffer>,
  level: number,
  way: ZstdWay | undefined = zstdWays()[0],
): Chunks {
  const parameters = { ZSTD_c_compressionLevel: level, ZSTD_c_checksumFlag: 1 };
  const converter =
    theWay(way, 'compress') === 'node'
      ? nodeConverter(nodeStream('compress', parameters))
      : zstdProgram('compress', [`-${level}`, '--single-thread']);
  yield* convert(source, converter, keep);
}

/** The input of a decompressor that takes all frames. */
async function* checkedFrames(chunks: AsyncIterable<Buffer>): Chunks {
  const frames = new ZstdFrames();
  for await (const chunk of chunks) {
    frames.push(chunk);
    yield chunk;
  }
  frames.finish();
}

/** The input of decompressors that take one frame each. */
class FrameFeed {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #frames = new ZstdFrames();
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterator<Buffer>) {
    this.#chunks = chunks;
  }

  /** @throws IcbdError `CorruptData` if the input ends inside of a frame, or holds none */
  async hasMore(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.#frames.finish();
        return false;
      }
      this.#rest = next.value;
    }
    return true;
  }

  /** The next frame. */
  async *frame(): Chunks {
    while (await this.hasMore()) {
      const bytes = this.#frames.pushToEnd(this.#rest);
      const part = this.#rest.subarray(0, bytes);
      this.#rest = this.#rest.subarray(bytes);
      yield part;
      if (this.#frames.isBetween) return;
    }
  }
}

/** Node's decompressor takes one frame: given more, it fails, or gives nothing at all, without an error (24.21). */
async function* decompressByNode(chunks: Chunks): Chunks {
  const feed = new FrameFeed(chunks);
  try {
    while (await feed.hasMore()) {
      const stream = nodeStream('decompress', { ZSTD_d_windowLogMax: zstd_window_bits_max });
      yield* convert(feed.frame(), nodeConverter(stream), keep);
    }
  } finally {
    // Not waited for: a source that hangs is its owner's to end.
    chunks.return().catch(() => undefined);
  }
}

function decompressByProgram(chunks: Chunks): Chunks {
  const args = ['-d', `--memory=${2 ** (zstd_window_bits_max - 20)}MB`];
  return convert(checkedFrames(chunks), zstdProgram('decompress', args), keep);
}

/**
 * @param way for tests
 * @throws IcbdError `CorruptData`; `ProgramNotFound`
 */
export async function* decompressZstd(
  source: AsyncIterable<Buffer>,
  way: ZstdWay | undefined = zstdWays()[0],
): Chunks {
  const is_node = theWay(way, 'decompress') === 'node';
  const watched = new WatchedSource(source);
  try {
    yield* (is_node ? decompressByNode : decompressByProgram)(watched.chunks());
  } catch (thrown) {
    if (watched.failure !== undefined) throw watched.failure.thrown;
    if (thrown instanceof IcbdError && thrown.code !== 'ProcessFailed') throw thrown;
    const where = { start_bytes: 0, end_bytes: watched.after_bytes };
    throw damagedWithin(codec, reasonOf(thrown), where, thrown);
  }
}
