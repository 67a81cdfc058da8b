import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { deleteParts } from '../../btrfs/parts.js';
import { SegmentReceiver } from '../../btrfs/segment_receiver.js';
import { SegmentedReceive } from '../../btrfs/segmented_receive.js';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import { receiveArguments } from '../../btrfs/stream_arguments.js';
import type { Checkpoint } from '../../core/checkpoint.js';
import type { Clock } from '../../core/clock.js';
import type { Codec } from '../../core/codecs.js';
import type { DataSession, DataSource, StreamPlace } from '../../core/data_path.js';
import { IcbdError } from '../../core/errors.js';
import { identityOf } from '../../core/lineage.js';
import { isLinkLoss } from '../../core/link_loss.js';
import type { EffectRecord } from '../../core/records.js';
import { onAbort } from '../../pipeline/abort_reason.js';
import { Meter } from '../../pipeline/meter.js';
import { pumpReceive, type ReceiveEnd } from '../../pipeline/receive_pump.js';
import type { EffectHandler, EffectTools } from '../../runtime/ports.js';
import { type ChildRegistry, watchForStall } from '../child_registry.js';
import type { ImageRepository } from '../images/image_repository.js';
import type { ProgressBoard } from '../progress_board.js';
import { type ReceptionPlace, type ReceptionStream, sourceOf, whyUseless } from './reception_place.js';

interface OpenDataOptions {
  readonly from: StreamPlace;
  readonly signal: AbortSignal;
  /** Through the ssh tunnel of this node. */
  readonly is_tunnelled: boolean;
}

export interface ReceiveOptions {
  readonly store: SnapshotStore;
  readonly repository: Pick<ImageRepository, 'path' | 'snapshots'>;
  readonly openData: (session: DataSession, options: OpenDataOptions) => Promise<DataSource>;
  readonly children: Pick<ChildRegistry, 'start'>;
  readonly progress: Pick<ProgressBoard, 'show'>;
  readonly clock: Clock;
  readonly stall_timeout_ms: number;
  /** A part is closed when it holds so many bytes of the stream, */
  readonly checkpoint_bytes: number;
  /** or has been open for so long. */
  readonly checkpoint_ms: number;
  /** What `btrfs receive` into a directory is run by: `confinedTo`, or nothing where that is not possible. */
  readonly confine: (directory: string) => readonly string[];
}

type ReceiveParams = ReceptionPlace & ReceptionStream & { readonly codec: Codec };

/**
 * The `receive` effect: takes the stream of one data link, from the checkpoint on.
 *
 * It tells `receive.begun` when the link is there, `receive.checkpoint` for every part that is on disk, and
 * `receive.checkpoint_lost` if there is nothing to go on with. What it did not tell is removed when it runs again.
 */
export function receiveEffect(options: ReceiveOptions): EffectHandler {
  return async (effect, tools) => new Reception(options, effect, tools).run();
}

/** Whether a link that could not be opened may be there soon: also a tunnel that is being made anew. */
function mayComeBack(thrown: unknown): boolean {
  const is_tunnel = thrown instanceof IcbdError && thrown.code === 'TunnelFailed' && thrown.retryable;
  return is_tunnel || isLinkLoss(thrown);
}

class Reception {
  readonly #options: ReceiveOptions;
  readonly #effect: EffectRecord;
  readonly #params: ReceiveParams;
  readonly #tools: EffectTools;
  /** The last checkpoint that was told. */
  #checkpoint: Checkpoint | null;
  #checkpoint_at_ms: number | null = null;
  /** The link, while there is one. */
  #source: DataSource | undefined;

  constructor(options: ReceiveOptions, effect: EffectRecord, tools: EffectTools) {
    this.#options = options;
    this.#effect = effect;
    this.#params = effect.params as ReceiveParams;
    this.#tools = tools;
    this.#checkpoint = this.#params.checkpoint;
  }

  async run(): ReturnType<EffectHandler> {
    const { store, repository } = this.#options;
    const { transfer, image } = this.#params;
    // A confined process follows no symlinks, not even on its way to the directory.
    const directory = await realpath(repository.path(image));
    await this.#checkCheckpoint(directory);
    await deleteParts(store, directory, transfer, this.#checkpoint?.name);
    const receiver = await this.#makeReceiver(directory);
    const end = await this.#receive(receiver);
    if (end.kind === 'link_lost') return { type: 'receive.link_lost', error: end.cause.toReport() };
    // Only now what the actor writes down is true after a power cut as well.
    await store.sync(directory);
    const { stream_bytes, hash } = end.trailer;
    return { type: 'receive.done', result: { stream_bytes, hash, hidden_name: receiver.hidden_name } };
  }

  async #checkCheckpoint(directory: string): Promise<void> {
    if (this.#checkpoint === null) return;
    const { store } = this.#options;
    const reason = await whyUseless(store, directory, this.#checkpoint, sourceOf(this.#params));
    if (reason === '') return;
    this.#checkpoint = null;
    this.#tools.tell({ type: 'receive.checkpoint_lost', reason });
  }

  async #makeReceiver(directory: string): Promise<SegmentedReceive> {
    const { repository, children, clock, confine, checkpoint_bytes, checkpoint_ms } = this.#options;
    const { image, number, transfer } = this.#params;
    const source = sourceOf(this.#params);
    const sources = new Set((await repository.snapshots(image)).map(identityOf));
    return new SegmentedReceive({
      expected: { ...source, name: number, sources },
      seed: transfer,
      run: this.#effect.seq,
      checkpoint: this.#checkpoint,
      segment_bytes: checkpoint_bytes,
      segment_ms: checkpoint_ms,
      clock,
      startReceiver: (onFailure) => {
        const call = receiveArguments({ directory });
        const ends = { stdin: 'pipe', stdout: 'none' } as const;
        const child = children.start(this.#effect.id, { ...call, ...ends, wrapper: confine(directory) });
        return new SegmentReceiver(child, onFailure);
      },
      makeDurable: (checkpoint) => this.#makeDurable(directory, checkpoint),
    });
  }

  /** Only when a sync that began after the part was finished has returned, the part is more than a promise. */
  async #makeDurable(directory: string, checkpoint: Checkpoint): Promise<void> {
    const { store } = this.#options;
    await store.sync(directory);
    if (!this.#tools.tell({ type: 'receive.checkpoint', checkpoint })) {
      throw new IcbdError('Cancelled', 'no longer wanted', {
        operation: 'receive',
        subject: checkpoint.name,
      });
    }
    const before = this.#checkpoint;
    this.#checkpoint = checkpoint;
    this.#checkpoint_at_ms = this.#options.clock.now();
    this.#source?.kept(checkpoint.offset_bytes);
    // It shares all with the part that follows; what is left of it goes when the snapshot is published.
    if (before !== null)
      await store.deleteSubvolume(path.join(directory, before.name)).catch(() => undefined);
  }

  async #receive(receiver: SegmentedReceive): Promise<ReceiveEnd> {
    const { clock, stall_timeout_ms } = this.#options;
    const { transfer, attempt, codec, ssh } = this.#params;
    const { signal, tell } = this.#tools;
    const { from } = receiver;
    let source: DataSource;
    try {
      source = await this.#options.openData({ transfer, attempt }, { from, signal, is_tunnelled: ssh });
    } catch (thrown) {
      if (signal.aborted || !mayComeBack(thrown)) throw thrown;
      return { kind: 'link_lost', cause: IcbdError.from(thrown, 'receive', transfer) };
    }
    tell({ type: 'receive.begun', offset_bytes: this.#checkpoint?.offset_bytes ?? 0 });
    const meter = new Meter(clock, from.offset_bytes);
    // What this side has already can take the sender long to read.
    source.onSkipped = () => meter.touch();
    this.#source = source;
    const hide = this.#showProgress(source, meter, receiver);
    // Not AbortSignal.any: on Node 20 what that makes can be collected before it fires.
    const stop = new AbortController();
    const forget = onAbort(signal, () => stop.abort(signal.reason));
    const unwatch = watchForStall({
      idleMs: () => meter.idle_ms(),
      stall_timeout_ms,
      subject: transfer,
      stop: (reason) => stop.abort(IcbdError.fromReport(reason)),
    });
    try {
      return await pumpReceive({ receiver, codec, source, meter, clock, signal: stop.signal });
    } finally {
      this.#source = undefined;
      forget();
      unwatch();
      hide();
    }
  }

  #showProgress(source: DataSource, meter: Meter, receiver: SegmentedReceive): () => void {
    const { progress, clock } = this.#options;
    const { actor } = this.#effect;
    const started_at_ms = clock.now();
    return progress.show(actor, () => ({
      actor,
      attempt: this.#params.attempt,
      stream_bytes: meter.bytes,
      link_bytes: source.link_bytes,
      total_bytes: null,
      rate_bytes_per_s: meter.rate_bytes_per_s(),
      taken_bytes: receiver.taken_bytes,
      checkpoint_bytes: this.#checkpoint?.offset_bytes ?? 0,
      checkpoint_at_ms: this.#checkpoint_at_ms,
      started_at_ms,
      at_ms: clock.now(),
    }));
  }
}
