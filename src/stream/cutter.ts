/** Cuts send streams into segments. */
import type { StreamVersion } from '../core/codecs.js';
import { type Command, CommandReader } from './command_reader.js';
import { command_types } from './constants.js';
import { corruptStream } from './corrupt.js';
import {
  inSegment,
  isHead,
  makeSegment,
  openFirst,
  openNext,
  readHead,
  type Segment,
  segment_end,
  type StreamHead,
} from './segment.js';
import { writeStreamHeader } from './stream_header.js';

/** What a later run needs to know of a subvolume of which it does not see the first command. */
export type SubvolumeHead = Pick<StreamHead, 'version' | 'uuid' | 'ctransid'>;

/** In the order in which things happen; offsets count from the start of the whole input. */
export type CutterOutput =
  /** A subvolume starts; its segment 0 is opened next. */
  | { readonly kind: 'subvolume'; readonly head: StreamHead; readonly ordinal: number }
  /** What follows belongs to this segment. */
  | { readonly kind: 'open'; readonly segment: Segment }
  /** Bytes for the open segment: views of what was pushed where that is possible. */
  | { readonly kind: 'data'; readonly bytes: Buffer }
  /** The open segment has its END. The input up to the offset is in it and in those before. `is_last`: only the
   *  final segment follows, at once; also true for that one itself. */
  | {
      readonly kind: 'close';
      readonly segment: Segment;
      readonly offset_bytes: number;
      readonly is_last: boolean;
    }
  /** The final segment of the subvolume is closed; `is_stream_end`: by END, not by the next subvolume. */
  | { readonly kind: 'sealed'; readonly offset_bytes: number; readonly is_stream_end: boolean };

export interface CutterStart {
  readonly offset_bytes: number;
  /** Subvolumes before the offset; one that the offset lies in is not counted. */
  readonly ordinal: number;
  /** Set if the offset lies in a stream, so that a command and no stream header comes first. */
  readonly version?: StreamVersion;
  /** Set if the offset lies in a subvolume: the segment that ended there. */
  readonly within?: { readonly head: SubvolumeHead; readonly index: number; readonly uuid: string };
}

export interface CutterOptions {
  /** A segment is closed when it holds so many bytes of the input, at the next end of a command. */
  readonly segment_bytes: number;
  /** A name for the receiving and one for this run of it: see `makeSegment`. */
  readonly seed: string;
  readonly run: number;
  /** Where the input goes on; its beginning by default. */
  readonly start?: CutterStart;
  /**
   * Leaves the CRC of commands that carry data to `btrfs receive`, which checks it: here it would cost as much
   * processor time as all else together. By default each is checked.
   */
  readonly leaves_data_crc?: boolean;
  /**
   * Called with each command before anything of it is given out; what it throws ends the cutting.
   * @param start_bytes where it starts in the whole input; what the command itself says counts from where this began
   */
  readonly check?: (command: Command, start_bytes: number) => void;
}

const data_types: ReadonlySet<number> = new Set([command_types.write, command_types.encoded_write]);

interface Subvolume {
  readonly head: SubvolumeHead;
  /** Of the next segment. */
  index: number;
  /** Of the segment before. */
  parent_uuid: string;
  open: { readonly segment: Segment; readonly start_bytes: number } | undefined;
}

/**
 * Turns an input of one or more streams into segments. Joined again, without what opens and closes them, these are
 * the original commands. Every subvolume ends with an empty segment that has the snapshot's own uuid and ctransid,
 * so the snapshot is complete only when the last byte was, and looks as if it had been received in one piece.
 */
export class Cutter {
  readonly #options: CutterOptions;
  readonly #reader: CommandReader;
  /** To be added to what the reader has counted. */
  readonly #base_bytes: number;
  #ordinal: number;
  #subvolume: Subvolume | undefined;

  constructor(options: CutterOptions) {
    this.#options = options;
    const unchecked_types = options.leaves_data_crc === true ? data_types : new Set<number>();
    this.#reader = new CommandReader({ unchecked_types });
    const { offset_bytes = 0, ordinal = 0, within } = options.start ?? {};
    this.#ordinal = ordinal;
    // What the reader would have seen last; its own offsets are not those of the input then.
    const seen = primer(options.start);
    this.#base_bytes = offset_bytes - seen.length;
    for (const _ of this.#reader.push(seen));
    if (within !== undefined) {
      const { head, index, uuid } = within;
      this.#subvolume = { head, index: index + 1, parent_uuid: uuid, open: undefined };
    }
  }

  /** Input of which all is given out: headers and complete commands. */
  get offset_bytes(): number {
    return this.#base_bytes + this.#reader.consumed_bytes;
  }

  /**
   * What the next bytes of the input make. All of it must be taken before the next push; to stop in the middle
   * is to stop for good. Bytes are views, valid while the buffer is not changed.
   * @throws IcbdError `CorruptData`, `StreamVersionNotSupported`; what `check` throws
   */
  *push(buffer: Buffer): Generator<CutterOutput, void> {
    let run: Buffer | undefined;
    for (const command of this.#reader.push(buffer)) {
      this.#options.check?.(command, this.offset_bytes - command.bytes.length);
      const bytes = this.#bytesInOpenSegment(command);
      if (bytes !== undefined) {
        const joined = run === undefined ? bytes : joinViews(run, bytes);
        if (joined === undefined && run !== undefined) yield { kind: 'data', bytes: run };
        run = joined ?? bytes;
        if (!this.#isFull()) continue;
      }
      if (run !== undefined) yield { kind: 'data', bytes: run };
      run = undefined;
      yield* bytes === undefined ? this.#boundary(command) : this.cut();
    }
    if (run !== undefined) yield { kind: 'data', bytes: run };
  }

  /** Closes the open segment here, if there is one. Between two pushes only. */
  cut(): Generator<CutterOutput, void> {
    return this.#cutAt(this.offset_bytes, false);
  }

  *#cutAt(offset_bytes: number, is_last: boolean): Generator<CutterOutput, void> {
    const subvolume = this.#subvolume;
    if (subvolume?.open === undefined) return;
    const { segment } = subvolume.open;
    subvolume.open = undefined;
    subvolume.parent_uuid = segment.uuid;
    subvolume.index += 1;
    yield { kind: 'data', bytes: segment_end };
    yield { kind: 'close', segment, offset_bytes, is_last };
  }

  /**
   * Says that nothing follows.
   * @throws IcbdError `CorruptData` unless the last command was END
   */
  finish(): void {
    this.#reader.finish();
  }

  /** The command as it goes into the open segment; undefined if it opens or closes one. */
  #bytesInOpenSegment(command: Command): Buffer | undefined {
    const subvolume = this.#subvolume;
    if (subvolume?.open === undefined || command.type === command_types.end || isHead(command))
      return undefined;
    return inSegment(command, subvolume.head.uuid, subvolume.open.segment);
  }

  #isFull(): boolean {
    const open = this.#subvolume?.open;
    return open !== undefined && this.offset_bytes - open.start_bytes >= this.#options.segment_bytes;
  }

  *#boundary(command: Command): Generator<CutterOutput, void> {
    const start_bytes = this.offset_bytes - command.bytes.length;
    const is_end = command.type === command_types.end;
    if (is_end || isHead(command)) {
      yield* this.#seal(start_bytes, is_end);
      if (!is_end) yield* this.#start(command, start_bytes);
      return;
    }
    const subvolume = this.#subvolume;
    if (subvolume === undefined)
      throw corruptStream(`a command of type ${command.type} belongs to no subvolume`);
    const segment = this.#makeSegment(subvolume, false);
    subvolume.open = { segment, start_bytes };
    yield { kind: 'open', segment };
    yield { kind: 'data', bytes: openNext(segment, subvolume.parent_uuid, subvolume.head) };
    yield { kind: 'data', bytes: inSegment(command, subvolume.head.uuid, segment) };
    if (this.#isFull()) yield* this.cut();
  }

  *#start(command: Command, start_bytes: number): Generator<CutterOutput, void> {
    const head = readHead(command);
    const subvolume: Subvolume = { head, index: 0, parent_uuid: '', open: undefined };
    const segment = this.#makeSegment(subvolume, false);
    subvolume.open = { segment, start_bytes };
    this.#subvolume = subvolume;
    yield { kind: 'subvolume', head, ordinal: this.#ordinal };
    yield { kind: 'open', segment };
    yield { kind: 'data', bytes: openFirst(command, segment) };
  }

  /** @param start_bytes where the command that ends the subvolume starts; without it the last part is no end */
  *#seal(start_bytes: number, is_stream_end: boolean): Generator<CutterOutput, void> {
    const subvolume = this.#subvolume;
    if (subvolume === undefined) {
      if (is_stream_end) throw corruptStream('a stream ends without any subvolume');
      return;
    }
    yield* this.#cutAt(start_bytes, true);
    const offset_bytes = is_stream_end ? this.offset_bytes : start_bytes;
    const segment = this.#makeSegment(subvolume, true);
    yield { kind: 'open', segment };
    yield { kind: 'data', bytes: openNext(segment, subvolume.parent_uuid, subvolume.head) };
    yield { kind: 'data', bytes: segment_end };
    yield { kind: 'close', segment, offset_bytes, is_last: true };
    this.#subvolume = undefined;
    this.#ordinal += 1;
    yield { kind: 'sealed', offset_bytes, is_stream_end };
  }

  #makeSegment(subvolume: Subvolume, is_final: boolean): Segment {
    const place = { ordinal: this.#ordinal, index: subvolume.index, is_final };
    return makeSegment(subvolume.head.uuid, this.#options, place);
  }
}

/** A beginning that brings a reader to where the input goes on: in a stream, or behind one. */
function primer(start: CutterStart | undefined): Buffer {
  if (start === undefined || start.offset_bytes === 0) return Buffer.alloc(0);
  if (start.version !== undefined) return writeStreamHeader(start.version);
  return Buffer.concat([writeStreamHeader(1), segment_end]);
}

/** Two views as one, if the second starts where the first ends. */
function joinViews(first: Buffer, second: Buffer): Buffer | undefined {
  const is_adjacent = first.buffer === second.buffer && first.byteOffset + first.length === second.byteOffset;
  if (!is_adjacent) return undefined;
  return Buffer.from(first.buffer, first.byteOffset, first.length + second.length);
}
