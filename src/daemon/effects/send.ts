import type { AttemptPlan } from '../../actors/transfer_events.js';
import { sendArguments } from '../../btrfs/stream_arguments.js';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import type { Clock } from '../../core/clock.js';
import type { DataSession, DataSink, StreamPlace, StreamTrailer } from '../../core/data_path.js';
import { IcbdError } from '../../core/errors.js';
import { isLinkLoss } from '../../core/link_loss.js';
import type { EffectRecord } from '../../core/records.js';
import { errorOfAbort, onAbort } from '../../pipeline/abort_reason.js';
import { Interruption } from '../../pipeline/interruption.js';
import { Meter } from '../../pipeline/meter.js';
import { OutgoingStream } from '../../pipeline/outgoing_stream.js';
import type { EffectHandler, EffectTools } from '../../runtime/ports.js';
import { type ChildRegistry, watchForStall } from '../child_registry.js';
import type { LiveStream, LiveStreams, StreamOrigin } from '../live_streams.js';
import type { ProgressBoard } from '../progress_board.js';
import { type Estimate, estimateLater } from './stream_estimate.js';
import { findOrigin } from './stream_origin.js';

/** How long a replica may take to dial its data link after it was told to start, ms. */
const dial_timeout_ms = 60_000;
/** How often a replica is told how far the stream is skipped, ms. */
const skipped_every_ms = 1_000;

export interface SendOptions {
  readonly store: Pick<SnapshotStore, 'inspect'>;
  readonly imagePath: (image: string) => string;
  readonly waitForData: (
    session: DataSession & { readonly node: string },
    options: { readonly timeout_ms: number; readonly signal: AbortSignal },
  ) => Promise<DataSink>;
  /** Whether a replica has its control link. */
  readonly isLinked: (node: string) => boolean;
  readonly estimate: Estimate;
  readonly children: Pick<ChildRegistry, 'start'>;
  readonly live: LiveStreams;
  readonly progress: ProgressBoard;
  readonly clock: Clock;
  readonly stall_timeout_ms: number;
}

interface SendParams {
  readonly transfer: string;
  readonly attempt: number;
  readonly replica: string;
  readonly image: string;
  readonly number: string;
  readonly plan: AttemptPlan;
}

/** One run of the effect, once its data link is there. */
interface Run {
  readonly effect: EffectRecord;
  readonly params: SendParams;
  readonly tools: EffectTools;
  readonly origin: StreamOrigin;
  readonly sink: DataSink;
  /** From where the replica wants the stream. */
  readonly place: StreamPlace;
}

async function placeOf(sink: DataSink, signal: AbortSignal, subject: string): Promise<StreamPlace> {
  const run = new Interruption((cause) => sink.abort(cause.toReport()));
  const forget = onAbort(signal, () => run.fail(errorOfAbort(signal, 'send', subject)));
  try {
    return await run.guard(sink.begin);
  } finally {
    forget();
  }
}

/** Whether a kept stream can serve this link; if not, it is stopped. @throws IcbdError `ResumeMismatch` */
async function canGoOn({ stream }: LiveStream, { place, params }: Run): Promise<boolean> {
  // One that was lost while it was skipped has not come so far yet.
  if (stream.read_bytes < place.offset_bytes || stream.covers(place)) return true;
  const message = `the replica wants it from ${place.offset_bytes} on, and that is let go`;
  const reason = new IcbdError('Cancelled', message, { operation: 'send', subject: params.transfer });
  await stream.stop(reason.toReport());
  return false;
}

/**
 * The `send` effect: a snapshot into the data link that the replica dials. A `btrfs send` that a lost link left behind
 * goes on if it still has what the replica wants next; else a new one is read up to there.
 */
export function sendEffect(options: SendOptions): EffectHandler {
  const { clock } = options;

  const dial = async ({ transfer, attempt, replica }: SendParams, signal: AbortSignal) => {
    const session = { transfer, attempt, node: replica };
    const sink = await options.waitForData(session, { timeout_ms: dial_timeout_ms, signal });
    return { sink, place: await placeOf(sink, signal, transfer) };
  };

  const startStream = ({ effect, params, origin }: Run): LiveStream => {
    const { stream_version } = params.plan;
    const child = options.children.start(effect.id, {
      ...sendArguments({
        path: origin.path,
        parent: origin.parent_path ?? undefined,
        stream_version,
        compressed_data: stream_version >= 2,
      }),
      stdin: 'none',
      stdout: 'pipe',
    });
    return { origin, stream: new OutgoingStream({ child, clock }), total_bytes: null };
  };

  const watch = ({ params }: Run, stream: OutgoingStream, meter: Meter): (() => void) =>
    watchForStall({
      idleMs: () => meter.idle_ms(),
      stall_timeout_ms: options.stall_timeout_ms,
      subject: params.transfer,
      stop: (reason) => void stream.stop(reason),
    });

  const skip = async (run: Run, { stream }: LiveStream): Promise<void> => {
    const { sink, place, tools } = run;
    const meter = new Meter(clock, stream.read_bytes);
    const unwatch = watch(run, stream, meter);
    let told_at_ms = clock.now();
    const onSkipped = (offset_bytes: number): void => {
      if (clock.now() - told_at_ms < skipped_every_ms) return;
      told_at_ms = clock.now();
      sink.skipped(offset_bytes);
    };
    try {
      await stream.skipTo(place, { sink, meter, signal: tools.signal, onSkipped });
    } finally {
      unwatch();
    }
  };

  const send = async (run: Run, live: LiveStream): Promise<StreamTrailer> => {
    const { effect, params, origin, sink, tools } = run;
    const from_bytes = run.place.offset_bytes;
    const meter = new Meter(clock, from_bytes);
    const started_at_ms = clock.now();
    const stopEstimate =
      live.total_bytes === null
        ? estimateLater(options.estimate, clock, origin, (bytes) => {
            live.total_bytes = bytes;
          })
        : undefined;
    // Where a replica wants the stream from is what it has on its disk.
    const has = { taken_bytes: from_bytes, checkpoint_bytes: from_bytes, checkpoint_at_ms: started_at_ms };
    sink.onKept = (offset_bytes) => {
      has.checkpoint_bytes = offset_bytes;
      has.checkpoint_at_ms = clock.now();
    };
    const hide = options.progress.show(effect.actor, () => ({
      actor: effect.actor,
      attempt: params.attempt,
      stream_bytes: meter.bytes,
      link_bytes: sink.link_bytes,
      total_bytes: live.total_bytes,
      rate_bytes_per_s: meter.rate_bytes_per_s(),
      ...has,
      started_at_ms,
      at_ms: clock.now(),
    }));
    const unwatch = watch(run, live.stream, meter);
    try {
      const { codec } = params.plan;
      const onTaken = (offset_bytes: number): void => {
        has.taken_bytes = offset_bytes;
      };
      return await live.stream.sendTo({ sink, codec, from_bytes, meter, signal: tools.signal, onTaken });
    } finally {
      sink.onKept = undefined;
      unwatch();
      await stopEstimate?.();
      hide();
    }
  };

  /** Sends, and ends what cannot go on. @throws IcbdError `LinkLost`: the stream is kept for the next link */
  const serve = async (run: Run): Promise<StreamTrailer> => {
    const { transfer } = run.params;
    const { offset_bytes } = run.place;
    let live: LiveStream | undefined;
    try {
      live = await options.live.take(transfer, run.origin);
      const is_live = live !== undefined && (await canGoOn(live, run));
      if (live === undefined || !is_live) live = startStream(run);
      if (live.stream.read_bytes < offset_bytes) await skip(run, live);
      run.tools.tell({ type: 'send.begun', offset_bytes, is_live });
      return await send(run, live);
    } catch (thrown) {
      const error = IcbdError.from(thrown, 'send', transfer);
      // What is stopped now nobody would drop later.
      if (isLinkLoss(error) && live !== undefined && !run.tools.signal.aborted) {
        options.live.keep(transfer, live);
      } else {
        run.sink.abort(error.toReport());
        await live?.stream.stop(error.toReport());
      }
      throw error;
    }
  };

  return async (effect, tools) => {
    const params = effect.params as SendParams;
    const origin = await findOrigin(options, params);
    try {
      const run: Run = { effect, params, tools, origin, ...(await dial(params, tools.signal)) };
      return { type: 'send.done', result: await serve(run) };
    } catch (thrown) {
      const error = IcbdError.from(thrown, 'send', params.transfer);
      if (tools.signal.aborted) throw error;
      // A replica that is not there dials when it is back; one that is there has no such excuse.
      const is_absent = error.code === 'TimedOut' && !options.isLinked(params.replica);
      if (isLinkLoss(error) || is_absent) return { type: 'send.link_lost', error: error.toReport() };
      if (error.code === 'ResumeMismatch') return { type: 'send.mismatch', error: error.toReport() };
      throw error;
    }
  };
}
