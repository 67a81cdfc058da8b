/** One end of a data link for tests of the receiving side, and parts that are kept in memory. */
import type { PartReceiver } from '../../../src/btrfs/segment_receiver.js';
import type { Checkpoint } from '../../../src/core/checkpoint.js';
import type { Clock } from '../../../src/core/clock.js';
import type { StreamTrailer } from '../../../src/core/data_path.js';
import { type ErrorReport, IcbdError } from '../../../src/core/errors.js';
import { ProofHash } from '../../../src/pipeline/proof_hash.js';
import type { RecyclingSource } from '../../../src/pipeline/receive_pump.js';
import { type Command, CommandReader } from '../../../src/stream/command_reader.js';
import { bytesAttribute, uuidAttribute } from '../../../src/stream/attributes.js';
import { attribute_types } from '../../../src/stream/constants.js';

export const clock: Clock = {
  now: () => performance.now(),
  after: (delay_ms, work) => {
    const timer = setTimeout(work, delay_ms);
    return () => clearTimeout(timer);
  },
};

export const link_lost = new IcbdError('LinkLost', 'cable cut', { operation: 'test' });

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function trailerOf(stream: Buffer): StreamTrailer {
  const hash = new ProofHash();
  hash.update(stream);
  return { stream_bytes: stream.length, hash: hash.digest() };
}

/** What a link brings, one after the other: a block, a failure, or work to be waited for. */
export type Step = Buffer | IcbdError | (() => Promise<void> | void);

/** A link that brings these, then the trailer. The memory of a block is overwritten when it is given back. */
export class StepSource implements RecyclingSource {
  readonly blocks: AsyncIterable<Buffer>;
  onSkipped: ((offset_bytes: number) => void) | undefined;
  readonly told: number[] = [];
  readonly kept_bytes: number[] = [];
  readonly recycled: Buffer[] = [];
  readonly lent: Buffer[] = [];
  aborted: ErrorReport | undefined;
  trailer: StreamTrailer | undefined;
  link_bytes = 0;
  #fail: (cause: IcbdError) => void = () => undefined;

  constructor(steps: readonly Step[], trailer?: StreamTrailer) {
    const failure = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    failure.catch(() => undefined);
    this.blocks = { [Symbol.asyncIterator]: () => this.#read(steps, trailer, failure) };
  }

  taken(offset_bytes: number): void {
    this.told.push(offset_bytes);
  }

  kept(offset_bytes: number): void {
    this.kept_bytes.push(offset_bytes);
  }

  recycle(block: Buffer): void {
    this.recycled.push(block);
    block.fill(0xee);
  }

  abort(reason: ErrorReport): void {
    this.aborted ??= reason;
    this.#fail(IcbdError.fromReport(reason));
  }

  async *#read(
    steps: readonly Step[],
    trailer: StreamTrailer | undefined,
    failure: Promise<never>,
  ): AsyncGenerator<Buffer, void, undefined> {
    for (const step of steps) {
      if (step instanceof IcbdError) throw step;
      if (typeof step === 'function') await Promise.race([step(), failure]);
      else {
        const block = Buffer.from(step);
        this.lent.push(block);
        yield block;
      }
    }
    // The receiver stops it.
    if (trailer === undefined) await failure;
    this.trailer = trailer;
  }
}

export interface KeptPart {
  readonly name: string;
  readonly uuid: string;
  readonly commands: readonly Command[];
}

/** The segments in what one `btrfs receive` was given; the last one may be cut off. */
export function partsIn(bytes: Buffer): KeptPart[] {
  const parts: KeptPart[] = [];
  let commands: Command[] = [];
  for (const command of new CommandReader().push(bytes)) {
    commands.push(command);
    if (command.name !== 'end') continue;
    const attributes = commands[0]?.attributes() ?? new Map<number, Buffer>();
    const name = bytesAttribute(attributes, attribute_types.path).toString();
    parts.push({ name, uuid: uuidAttribute(attributes, attribute_types.uuid), commands });
    commands = [];
  }
  return parts;
}

/** What stands on a disk in memory: parts are there when what took them has ended well. */
export class MemoryParts {
  readonly kept = new Map<string, KeptPart>();
  /** All that was written to any receiver, in order. */
  readonly written: Buffer[] = [];
  /** How many receivers run. */
  running = 0;
  started = 0;
  /** Called with each receiver's number when something is written to it; what it throws, the receiver says. */
  onWrite: (receiver: number) => Promise<void> | void = turn;

  /** @returns as `SegmentedReceiveOptions.startReceiver` */
  start(): PartReceiver {
    const bytes: Buffer[] = [];
    const number = this.started;
    this.started += 1;
    this.running += 1;
    let stop_reason: ErrorReport | undefined;
    const end = (): void => {
      if (stop_reason !== undefined) throw IcbdError.fromReport(stop_reason);
    };
    return {
      write: async (chunks, onWritten) => {
        end();
        await this.onWrite(number);
        end();
        // As a pipe does: the memory may be used again afterwards.
        bytes.push(...chunks.map((chunk) => Buffer.from(chunk)));
        this.written.push(...bytes.slice(-chunks.length));
        onWritten?.();
      },
      finish: async () => {
        await turn();
        end();
        this.running -= 1;
        for (const part of partsIn(Buffer.concat(bytes))) this.kept.set(part.name, part);
      },
      stop: async (reason) => {
        stop_reason ??= reason;
        await turn();
        this.running -= 1;
      },
    };
  }

  /** The commands of a whole snapshot, from its first part on; @throws Error if one is missing */
  chainTo(name: string): KeptPart[] {
    const last = this.kept.get(name);
    if (last === undefined) throw new Error(`there is no part ${name}`);
    const attributes = last.commands[0]?.attributes() ?? new Map<number, Buffer>();
    const clone = attributes.get(attribute_types.clone_uuid)?.toString('hex');
    const before = [...this.kept.values()].find(({ uuid }) => uuid.replaceAll('-', '') === clone);
    return before === undefined ? [last] : [...this.chainTo(before.name), last];
  }
}

/** A checkpoint is told only for what stands there. */
export function checkKept(parts: MemoryParts, checkpoint: Checkpoint): void {
  const part = parts.kept.get(checkpoint.name);
  if (part?.uuid !== checkpoint.uuid) throw new Error(`${checkpoint.name} is told and does not stand there`);
}
