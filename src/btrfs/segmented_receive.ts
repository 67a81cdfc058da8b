/** The receiving end of one transfer: from the bytes of the stream to subvolumes, with checkpoints on the way. */
import type { Checkpoint, StreamSource } from '../core/checkpoint.js';
import type { Clock } from '../core/clock.js';
import { type StreamPlace, stream_start, type StreamTrailer } from '../core/data_path.js';
import { type ErrorReport, IcbdError } from '../core/errors.js';
import { DurableQueue } from '../pipeline/durable_queue.js';
import { PlaceHash } from '../pipeline/place_hash.js';
import { ProofHash } from '../pipeline/proof_hash.js';
import type { StreamReceiver } from '../pipeline/receive_pump.js';
import type { Command } from '../stream/command_reader.js';
import { command_types } from '../stream/constants.js';
import { Cutter, type CutterOutput, type SubvolumeHead } from '../stream/cutter.js';
import { Firewall } from '../stream/firewall.js';
import type { Segment } from '../stream/segment.js';
import { TailHolder } from '../stream/tail_holder.js';
import type { PartReceiver } from './segment_receiver.js';

const operation = 'receive';

/** Which stream it must be. */
export interface ExpectedStream extends StreamSource {
  /** The subvolume's name in it. */
  readonly name: string;
  /** Identities that it may clone from, besides its own; its parent's among them. */
  readonly sources: ReadonlySet<string>;
}

export interface SegmentedReceiveOptions {
  readonly expected: ExpectedStream;
  /** Name of the receiving and number of this run of it: no two runs of one name have the same number. */
  readonly seed: string;
  readonly run: number;
  /** Where it goes on; null: at the beginning. */
  readonly checkpoint: Checkpoint | null;
  /** A segment is closed when it holds so many bytes of the stream, */
  readonly segment_bytes: number;
  /** or has been open for so long. */
  readonly segment_ms: number;
  readonly clock: Clock;
  /** @param onFailure called if it ends before it was told to finish */
  readonly startReceiver: (onFailure: (cause: IcbdError) => void) => PartReceiver;
  /**
   * A part is finished: makes it durable, and writes the checkpoint down. Runs while the next part is received, one
   * call at a time. When it throws, the receiving fails.
   */
  readonly makeDurable: (checkpoint: Checkpoint) => Promise<void>;
}

/**
 * Hash, firewall, cutter and the processes that take the segments, one after the other.
 *
 * END, which completes the snapshot, is held back until the trailer agrees with the hash of all that came. Until then
 * there are only parts under hidden names with uuids of their own.
 */
export class SegmentedReceive implements StreamReceiver {
  readonly from: StreamPlace;
  onFailure: (cause: IcbdError) => void = () => undefined;
  readonly #options: SegmentedReceiveOptions;
  /** Of the bytes before the checkpoint's offset, which are only compared; behind it `#hash` goes on with it. */
  readonly #skipped: ProofHash;
  readonly #hash: PlaceHash;
  readonly #tail = new TailHolder();
  readonly #cutter: Cutter;
  readonly #durable: DurableQueue<Checkpoint>;
  #head: SubvolumeHead | undefined;
  /** The segment that is being received. */
  #open: { readonly receiver: PartReceiver; readonly started_ms: number } | undefined;
  /** Not written to the receiver yet. */
  #unwritten: Buffer[] = [];
  #final: Segment | undefined;
  #is_proven = false;
  #stop_reason: ErrorReport | undefined;

  constructor(options: SegmentedReceiveOptions) {
    const { expected, checkpoint, seed, run, segment_bytes, makeDurable } = options;
    this.#options = options;
    this.from = checkpoint?.proof ?? stream_start;
    this.#skipped = new ProofHash(this.from);
    this.#hash = new PlaceHash(this.#skipped, checkpoint ?? undefined);
    const { uuid, stream_version: version } = expected;
    if (checkpoint !== null) this.#head = { version, uuid, ctransid: BigInt(checkpoint.ctransid) };
    const firewall = new Firewall({ ...expected, parent: expected.parent_uuid, goes_on: this.#head });
    this.#cutter = new Cutter({
      segment_bytes,
      seed,
      run,
      ...startOf(checkpoint, this.#head),
      leaves_data_crc: true,
      check: (command, start_bytes) => {
        this.#checkEnd(command);
        firewall.check(command, start_bytes);
      },
    });
    this.#durable = new DurableQueue(async (part) => {
      try {
        await makeDurable(part);
      } catch (thrown) {
        const cause = IcbdError.from(thrown, operation, part.name);
        this.onFailure(cause);
        throw cause;
      }
    });
  }

  get taken_bytes(): number {
    return this.#cutter.offset_bytes;
  }

  get cut_after_ms(): number | undefined {
    if (this.#open === undefined) return undefined;
    const { clock, segment_ms } = this.#options;
    return Math.max(0, this.#open.started_ms + segment_ms - clock.now());
  }

  /** Name of the subvolume that is complete; empty before `finish` has returned. */
  get hidden_name(): string {
    return this.#final?.name ?? '';
  }

  async push(block: Buffer, onWritten: () => void): Promise<void> {
    for (const chunk of this.#tail.push(this.#skip(block))) {
      this.#hash.enter(chunk);
      for (const output of this.#cutter.push(chunk)) await this.#handle(output);
      this.#hash.leave(this.#cutter.offset_bytes);
    }
    await this.#write(onWritten);
  }

  async cut(): Promise<void> {
    for (const output of this.#cutter.cut()) await this.#handle(output);
  }

  async keep(): Promise<void> {
    await this.cut();
    await this.#durable.drain();
  }

  async finish(trailer: StreamTrailer): Promise<void> {
    this.#checkSkipped();
    this.#hash.enter(this.#tail.held);
    this.#hash.leave(this.#cutter.offset_bytes);
    checkTrailer(trailer, this.#hash.digest());
    const end = this.#tail.finish();
    this.#is_proven = true;
    for (const output of this.#cutter.push(end)) await this.#handle(output);
    this.#cutter.finish();
    await this.#durable.drain();
  }

  async stop(reason: ErrorReport): Promise<void> {
    this.#stop_reason ??= reason;
    await this.#open?.receiver.stop(reason);
    // What fails now comes second.
    await this.#durable.drain().catch(() => undefined);
  }

  /** What is behind the checkpoint; the rest of its grid cell must be what it was. */
  #skip(block: Buffer): Buffer {
    const { checkpoint } = this.#options;
    const missing_bytes = (checkpoint?.offset_bytes ?? 0) - this.#skipped.bytes;
    if (checkpoint === null || missing_bytes <= 0) return block;
    this.#skipped.update(block.subarray(0, missing_bytes));
    if (block.length >= missing_bytes) this.#checkSkipped();
    return block.subarray(missing_bytes);
  }

  #checkSkipped(): void {
    const { checkpoint } = this.#options;
    if (checkpoint === null || this.#skipped.bytes > checkpoint.offset_bytes) return;
    const { offset_bytes, rest_hash } = checkpoint;
    if (this.#skipped.bytes === offset_bytes && this.#skipped.digest() === rest_hash) return;
    const message = `the stream is not the one of which ${offset_bytes} bytes were received before`;
    const hint = 'nothing to do: it is received from its beginning';
    throw new IcbdError('ResumeMismatch', message, { operation, subject: checkpoint.name, hint });
  }

  #checkEnd(command: Command): void {
    if (command.type !== command_types.end || this.#is_proven) return;
    throw new IcbdError('StreamRefused', 'the stream goes on behind its END command', {
      operation: 'check send stream',
      hint: 'one snapshot is expected, and btrfs send of one makes no such stream',
    });
  }

  async #handle(output: CutterOutput): Promise<void> {
    switch (output.kind) {
      case 'subvolume':
        this.#begin(output.head);
        return undefined;
      case 'open':
        this.#openSegment(output.segment);
        return undefined;
      case 'data':
        this.#unwritten.push(output.bytes);
        return undefined;
      case 'close':
        return this.#close(output);
      case 'sealed':
        return undefined;
    }
  }

  #begin(head: SubvolumeHead): void {
    const { stream_version } = this.#options.expected;
    if (head.version !== stream_version) {
      const message = `the stream has version ${head.version}, agreed was ${stream_version}`;
      throw new IcbdError('StreamRefused', message, { operation: 'check send stream' });
    }
    this.#head = head;
  }

  #openSegment(segment: Segment): void {
    if (this.#stop_reason !== undefined) throw IcbdError.fromReport(this.#stop_reason);
    if (segment.is_final) this.#final = segment;
    // The final one goes through the process of the last part.
    if (this.#open !== undefined) return;
    const receiver = this.#options.startReceiver((cause) => this.onFailure(cause));
    this.#open = { receiver, started_ms: this.#options.clock.now() };
  }

  async #write(onWritten?: () => void): Promise<void> {
    const chunks = this.#unwritten;
    this.#unwritten = [];
    if (this.#open === undefined || chunks.length === 0) onWritten?.();
    else await this.#open.receiver.write(chunks, onWritten);
  }

  async #close({ segment, offset_bytes, is_last }: CutterOutput & { kind: 'close' }): Promise<void> {
    await this.#write();
    if (is_last && !segment.is_final) return;
    await this.#open?.receiver.finish();
    this.#open = undefined;
    if (!segment.is_final) await this.#durable.push(this.#checkpointAt(segment, offset_bytes));
  }

  #checkpointAt({ name, uuid, index }: Segment, offset_bytes: number): Checkpoint {
    const { uuid: own_uuid, parent_uuid, stream_version } = this.#options.expected;
    const source = { uuid: own_uuid, parent_uuid, stream_version };
    const ctransid = String(this.#head?.ctransid ?? 0n);
    return { source, ...this.#hash.placeAt(offset_bytes), name, uuid, index, ctransid };
  }
}

function startOf(checkpoint: Checkpoint | null, head: SubvolumeHead | undefined) {
  if (checkpoint === null || head === undefined) return {};
  const { offset_bytes, index, uuid } = checkpoint;
  return { start: { offset_bytes, ordinal: 0, version: head.version, within: { head, index, uuid } } };
}

/** @throws IcbdError `HashMismatch` */
function checkTrailer(theirs: StreamTrailer, ours: StreamTrailer): void {
  if (theirs.hash === ours.hash && theirs.stream_bytes === ours.stream_bytes) return;
  const message =
    `sent were ${theirs.stream_bytes} bytes with hash ${theirs.hash}, ` +
    `received ${ours.stream_bytes} bytes with hash ${ours.hash}`;
  const hint = 'data was damaged on its way; if it happens again, test the memory and network of both nodes';
  throw new IcbdError('HashMismatch', message, { operation, hint });
}
