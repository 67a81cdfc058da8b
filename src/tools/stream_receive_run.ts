/** One run from a place in the input to its end. */
import { join } from 'node:path';
import { lstatIfThere } from '../btrfs/filesystem.js';
import { deleteParts } from '../btrfs/parts.js';
import { targetExists } from '../btrfs/publish.js';
import { SegmentReceiver } from '../btrfs/segment_receiver.js';
import type { SnapshotStore } from '../btrfs/snapshot_store.js';
import { IcbdError } from '../core/errors.js';
import { checkSnapshotNumber } from '../core/names.js';
import { startChild } from '../pipeline/child.js';
import { DurableQueue } from '../pipeline/durable_queue.js';
import type { StreamHash } from '../pipeline/hash.js';
import { withinTime } from '../pipeline/within_time.js';
import { corruptStream } from '../stream/corrupt.js';
import { Cutter, type CutterOutput, type CutterStart } from '../stream/cutter.js';
import type { StreamHead } from '../stream/segment.js';
import type { Segment } from '../stream/segment.js';
import { PrefixHash, type ReceiveInput } from './stream_receive_input.js';
import type { ReceiveOptions } from './stream_receive_options.js';
import {
  type DurablePart,
  type ReceiveState,
  removeState,
  saveState,
  type SubvolumeState,
} from './stream_receive_state.js';

const stopped = new IcbdError('Interrupted', 'the receiving ended', {
  operation: 'btrfs receive',
}).toReport();

export interface ReceiveRunOptions {
  readonly options: ReceiveOptions;
  readonly store: SnapshotStore;
  readonly input: ReceiveInput;
  readonly state_path: string;
  readonly state: ReceiveState;
  /** What `btrfs receive` is run by. */
  readonly wrapper: readonly string[];
  /** Of the input so far. */
  readonly hash: StreamHash;
  readonly start?: CutterStart;
}

/** The segment that is being received. */
interface OpenSegment {
  readonly name: string;
  readonly receiver: SegmentReceiver;
  readonly started_ms: number;
}

export class ReceiveRun {
  readonly #its: ReceiveRunOptions;
  readonly #options: ReceiveOptions;
  readonly #cutter: Cutter;
  readonly #prefix: PrefixHash;
  readonly #durable: DurableQueue<DurablePart>;
  /** Not written to the receiver yet. */
  #unwritten: Buffer[] = [];
  #open: OpenSegment | undefined;
  #final: Segment | undefined;
  #state: ReceiveState;
  #is_over = false;

  constructor(its: ReceiveRunOptions) {
    const { options, state, start } = its;
    this.#its = its;
    this.#options = options;
    this.#state = state;
    const segment_bytes = options.max_errors === 1 ? options.segment_bytes : Number.POSITIVE_INFINITY;
    const { seed, run } = state;
    this.#cutter = new Cutter({ segment_bytes, seed, run, ...(start === undefined ? {} : { start }) });
    this.#prefix = new PrefixHash(its.hash);
    this.#durable = new DurableQueue((part) => this.#makeDurable(part));
    // An earlier run came to that END, and no further.
    this.#is_over = options.stop_at_end && start !== undefined && start.version === undefined;
  }

  get state(): ReceiveState {
    return this.#state;
  }

  /** @returns the size of the input in bytes */
  async run(): Promise<number> {
    try {
      await this.#readAll();
      if (!this.#is_over) this.#cutter.finish();
    } catch (thrown) {
      await this.#cleanUp();
      throw thrown;
    }
    await deleteParts(this.#its.store, this.#options.directory, this.#state.seed);
    await removeState(this.#its.state_path);
    return this.#cutter.offset_bytes;
  }

  async #readAll(): Promise<void> {
    const { input } = this.#its;
    while (!this.#is_over) {
      const block = await this.#nextBlock();
      if (block === undefined) {
        // What came of a stream that is cut off is worth a checkpoint.
        await this.#cut();
        await this.#durable.drain();
        return;
      }
      this.#prefix.push(block);
      for (const output of this.#cutter.push(block)) {
        await this.#handle(output);
        if (this.#is_over) return;
      }
      this.#prefix.settle(this.#cutter.offset_bytes);
      await this.#write(() => input.recycle(block));
    }
  }

  /** Makes a checkpoint by time also while nothing comes; undefined at the end. */
  async #nextBlock(): Promise<Buffer | undefined> {
    const next = this.#its.input.next().then((block) => ({ block }));
    // Nobody looks at it any more if the cutting fails.
    next.catch(() => undefined);
    for (;;) {
      const wait_ms = this.#cutAfterMs();
      const result = await (wait_ms === undefined ? next : withinTime(next, wait_ms, this.#options.clock));
      if (result !== undefined) return result.block;
      await this.#cut();
    }
  }

  async #handle(output: CutterOutput): Promise<void> {
    switch (output.kind) {
      case 'subvolume':
        return this.#beginSubvolume(output.head);
      case 'open':
        return this.#openSegment(output.segment);
      case 'data':
        this.#unwritten.push(output.bytes);
        return undefined;
      case 'close':
        return this.#close(output);
      case 'sealed':
        return this.#publish(output.offset_bytes, output.is_stream_end);
    }
  }

  async #beginSubvolume(head: StreamHead): Promise<void> {
    const { directory, report } = this.#options;
    const name = checkName(head.path);
    if ((await lstatIfThere(join(directory, name))) !== undefined) throw targetExists(join(directory, name));
    const { uuid, ctransid, version } = head;
    const subvolume = { name, uuid, ctransid: String(ctransid), version, part: null, end: null };
    this.#state = { ...this.#state, subvolumes: [...this.#state.subvolumes, subvolume] };
    report({ kind: 'subvolume', is_full: head.kind === 'full', name });
  }

  #openSegment(segment: Segment): void {
    if (segment.is_final) this.#final = segment;
    // The final one goes through the process of the last part.
    if (this.#open !== undefined) return;
    const receiver = this.#startReceiver();
    const started_ms = this.#options.clock.now();
    this.#open = { name: segment.name, receiver, started_ms };
  }

  #startReceiver(): SegmentReceiver {
    const { directory, max_errors, receive_args } = this.#options;
    const errors = max_errors === 1 ? [] : ['-E', String(max_errors)];
    const args = ['receive', '--quiet', ...errors, ...receive_args, directory];
    const { wrapper } = this.#its;
    return new SegmentReceiver(
      startChild({ program: 'btrfs', args, wrapper, stdin: 'pipe', stdout: 'none' }),
    );
  }

  async #write(onWritten?: () => void): Promise<void> {
    const chunks = this.#unwritten;
    this.#unwritten = [];
    if (this.#open === undefined) onWritten?.();
    else await this.#open.receiver.write(chunks, onWritten);
  }

  async #close({ segment, offset_bytes, is_last }: CutterOutput & { kind: 'close' }): Promise<void> {
    await this.#write();
    if (is_last && !segment.is_final) return;
    await this.#open?.receiver.finish();
    this.#open = undefined;
    if (segment.is_final) return;
    const { name, uuid, index } = segment;
    await this.#durable.push({ name, uuid, index, ...this.#prefix.placeAt(offset_bytes) });
  }

  /** Only when a sync that began after the part was finished has returned, the part is more than a promise. */
  async #makeDurable(part: DurablePart): Promise<void> {
    const { store, state_path } = this.#its;
    const { directory, report } = this.#options;
    await store.sync(directory);
    const before = this.#state.subvolumes.at(-1)?.part;
    this.#changeLast({ part });
    await saveState(state_path, this.#state);
    report({ kind: 'checkpoint', offset_bytes: part.offset_bytes });
    if (before) await store.deleteSubvolume(join(directory, before.name));
  }

  #changeLast(change: Partial<SubvolumeState>): void {
    const { subvolumes } = this.#state;
    const changed = subvolumes.map((one, place) =>
      place === subvolumes.length - 1 ? { ...one, ...change } : one,
    );
    this.#state = { ...this.#state, subvolumes: changed };
  }

  async #publish(offset_bytes: number, is_stream_end: boolean): Promise<void> {
    const { store, state_path } = this.#its;
    const { directory, report, stop_at_end } = this.#options;
    await this.#durable.drain();
    // Before the name is given, so that a later run knows what a subvolume means that stands there.
    this.#changeLast({ end: { ...this.#prefix.placeAt(offset_bytes), is_stream_end } });
    await saveState(state_path, this.#state);
    const subvolume = this.#state.subvolumes.at(-1);
    if (subvolume === undefined || this.#final === undefined) {
      throw new IcbdError('Internal', 'a subvolume ends that never began', { operation: 'stream receive' });
    }
    const { name, uuid } = subvolume;
    const { seed } = this.#state;
    await store.publish(directory, this.#final.name, name, uuid, () => deleteParts(store, directory, seed));
    report({ kind: 'published', name, uuid });
    this.#is_over = stop_at_end && is_stream_end;
  }

  /** Undefined if nothing is to be cut by time. */
  #cutAfterMs(): number | undefined {
    const { clock, segment_ms, max_errors } = this.#options;
    if (this.#open === undefined || max_errors !== 1) return undefined;
    return Math.max(0, this.#open.started_ms + segment_ms - clock.now());
  }

  async #cut(): Promise<void> {
    for (const output of this.#cutter.cut()) await this.#handle(output);
  }

  /** After a failure: only what may help the next run stays. A second failure must not hide the first. */
  async #cleanUp(): Promise<void> {
    const { store, state_path } = this.#its;
    const { directory, max_errors, report } = this.#options;
    try {
      await this.#open?.receiver.stop(stopped);
      await this.#durable.drain();
      if (max_errors !== 1 && this.#open !== undefined) {
        const path = join(directory, this.#open.name);
        report({ kind: 'left', why: `what could be received is in ${path}, until the next run` });
        return;
      }
      const { seed, subvolumes } = this.#state;
      await deleteParts(store, directory, seed, subvolumes.at(-1)?.part?.name);
      const has_checkpoint = subvolumes.some(({ part, end }) => part !== null || end !== null);
      if (!has_checkpoint) await removeState(state_path);
    } catch (thrown) {
      const { message } = IcbdError.from(thrown, 'clean up');
      report({ kind: 'left', why: `parts are left in ${directory}, the next run deletes them: ${message}` });
    }
  }
}

/** @throws IcbdError `CorruptData` if it cannot be a subvolume's name here */
function checkName(name: string): string {
  try {
    return checkSnapshotNumber(name);
  } catch (error) {
    throw corruptStream(error instanceof Error ? error.message : String(error));
  }
}
