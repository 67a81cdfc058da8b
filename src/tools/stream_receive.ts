/** `icbdrep stream receive`: a `btrfs receive` that goes on where it was when it was killed. */
import { join, resolve } from 'node:path';
import { createBtrfs } from '../btrfs/btrfs.js';
import { confinedTo, whyNotConfined } from '../btrfs/confinement.js';
import { deleteParts } from '../btrfs/parts.js';
import type { SnapshotStore } from '../btrfs/snapshot_store.js';
import { IcbdError } from '../core/errors.js';
import { hidden_prefix } from '../core/names.js';
import { errorOfAbort, onAbort } from '../pipeline/abort_reason.js';
import { StreamHash } from '../pipeline/hash.js';
import type { CutterStart } from '../stream/cutter.js';
import { type InputHead, ReceiveInput } from './stream_receive_input.js';
import type { ReceiveOptions } from './stream_receive_options.js';
import { findResumePoint } from './stream_receive_resume.js';
import { ReceiveRun } from './stream_receive_run.js';
import {
  checkOwner,
  loadState,
  ownProcess,
  type ReceiveState,
  removeState,
  saveState,
} from './stream_receive_state.js';

export interface ReceiveSummary {
  readonly subvolumes: readonly { readonly name: string; readonly uuid: string }[];
  /** Bytes of the stream, and how many of them an earlier run had received. */
  readonly stream_bytes: number;
  readonly resumed_from_bytes: number;
}

/**
 * Receives all subvolumes of a stream, or of several streams one behind the other, into a directory.
 *
 * A subvolume is visible under its name only when all of it is received and on disk; nothing is ever replaced. What
 * is received before that are hidden read-only parts and a state file, from which the next call with the same
 * stream goes on, after any kind of crash.
 *
 * @throws IcbdError `CorruptData` for a stream that is cut off or damaged, `StreamVersionNotSupported`,
 *   `HashMismatch` (another stream than the one that was begun, found too late to start over), `AlreadyRunning`,
 *   `SnapshotAlreadyExists`, `DirNotFound`, `BtrfsPathNotFound`, `NoSpace`, `BtrfsFailed`, `Interrupted`
 */
export async function receiveStream(options: ReceiveOptions): Promise<ReceiveSummary> {
  const store = createBtrfs();
  const directory = resolve(options.directory);
  await store.checkMountpoint(directory);
  const wrapper = await confine(directory, options);
  const { file, signal } = options;
  const input = file === undefined ? ReceiveInput.fromStandardInput() : await ReceiveInput.fromFile(file);
  const forget = onAbort(signal, () => input.destroy());
  try {
    return await new StreamReceive({ ...options, directory }, store, input, wrapper).run();
  } catch (thrown) {
    throw signal.aborted ? errorOfAbort(signal, 'stream receive', directory) : thrown;
  } finally {
    forget();
    input.destroy();
  }
}

/** Where the kernel or the programs cannot do it, a stream is received as `btrfs receive` does. */
async function confine(directory: string, { report }: ReceiveOptions): Promise<readonly string[]> {
  const why = await whyNotConfined(directory);
  if (why === undefined) return confinedTo(directory);
  report({ kind: 'not_confined', why });
  return [];
}

class StreamReceive {
  readonly #options: ReceiveOptions;
  readonly #store: SnapshotStore;
  readonly #input: ReceiveInput;
  readonly #wrapper: readonly string[];

  constructor(
    options: ReceiveOptions,
    store: SnapshotStore,
    input: ReceiveInput,
    wrapper: readonly string[],
  ) {
    this.#options = options;
    this.#store = store;
    this.#input = input;
    this.#wrapper = wrapper;
  }

  async run(): Promise<ReceiveSummary> {
    const head = await this.#input.peekHead();
    const { directory, state_file } = this.#options;
    const state_path = resolve(state_file ?? join(directory, `${hidden_prefix}receive-${head.uuid}.json`));
    const state = await this.#begin(state_path, head);
    const resumed = await this.#resume(state_path, state);
    if (resumed !== undefined) return resumed;
    const is_fresh = state.seed === this.#options.fresh_seed;
    const fresh = is_fresh ? state : await this.#startOver(state_path, state, head);
    return this.#receive(state_path, fresh, new StreamHash());
  }

  /** The state of an earlier run with the same stream, as far as its first command tells; else a fresh one. */
  async #begin(path: string, head: InputHead): Promise<ReceiveState> {
    const earlier = await loadState(path);
    if (earlier === undefined) return this.#save(path, this.#freshState(head));
    checkOwner(path, earlier);
    if (earlier.head.offset_bytes === head.place.offset_bytes && earlier.head.hash === head.place.hash) {
      return this.#save(path, { ...earlier, run: earlier.run + 1, owner: ownProcess() });
    }
    this.#options.report({ kind: 'started_over', why: 'another stream was begun with this state file' });
    return this.#startOver(path, earlier, head);
  }

  #freshState({ place }: InputHead): ReceiveState {
    const seed = this.#options.fresh_seed;
    return { format: 1, seed, run: 1, owner: ownProcess(), head: place, subvolumes: [] };
  }

  async #startOver(path: string, earlier: ReceiveState, head: InputHead): Promise<ReceiveState> {
    await deleteParts(this.#store, this.#options.directory, earlier.seed);
    return this.#save(path, this.#freshState(head));
  }

  async #save(path: string, state: ReceiveState): Promise<ReceiveState> {
    await saveState(path, state);
    return state;
  }

  /** Goes on at the last checkpoint; undefined if it has to be done from the beginning, to which the input is set. */
  async #resume(path: string, state: ReceiveState): Promise<ReceiveSummary | undefined> {
    const { directory, report } = this.#options;
    const point = await findResumePoint(this.#store, directory, state);
    if (point === undefined) {
      const had_part = state.subvolumes.some(({ part }) => part !== null);
      if (had_part) report({ kind: 'started_over', why: 'the last checkpoint is not there any more' });
      return undefined;
    }
    if (point.lost !== undefined)
      report({ kind: 'left', why: `the checkpoint ${point.lost} is not there any more` });
    const kept = point.start.within === undefined ? undefined : point.subvolumes.at(-1)?.part?.name;
    await deleteParts(this.#store, directory, state.seed, kept);
    const hash = await this.#input.skipTo(point.place);
    if (hash !== undefined) {
      report({ kind: 'resumed', offset_bytes: point.place.offset_bytes });
      return this.#receive(path, { ...state, subvolumes: point.subvolumes }, hash, point.start);
    }
    const why = `its first ${point.place.offset_bytes} bytes are not those that were received before`;
    report({ kind: 'started_over', why });
    if (this.#input.can_rewind) {
      this.#input.rewind();
      return undefined;
    }
    await deleteParts(this.#store, directory, state.seed);
    await removeState(path);
    throw new IcbdError('HashMismatch', `the stream is another one: ${why}`, {
      operation: 'stream receive',
      subject: directory,
      hint: 'the old checkpoint is deleted: run it again, and the stream is received from its beginning',
    });
  }

  async #receive(
    path: string,
    state: ReceiveState,
    hash: StreamHash,
    start?: CutterStart,
  ): Promise<ReceiveSummary> {
    const resumed_from_bytes = hash.bytes;
    const run = new ReceiveRun({
      ...(start === undefined ? {} : { start }),
      options: this.#options,
      store: this.#store,
      input: this.#input,
      wrapper: this.#wrapper,
      state_path: path,
      state,
      hash,
    });
    const stream_bytes = await run.run();
    const subvolumes = run.state.subvolumes.map(({ name, uuid }) => ({ name, uuid }));
    return { subvolumes, stream_bytes, resumed_from_bytes };
  }
}
