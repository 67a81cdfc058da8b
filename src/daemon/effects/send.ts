import path from 'node:path';
import type { AttemptPlan } from '../../actors/transfer_events.js';
import { sendArguments } from '../../btrfs/stream_arguments.js';
import type { Clock } from '../../core/clock.js';
import { identityOf } from '../../core/lineage.js';
import { IcbdError } from '../../core/errors.js';
import type { DataSession, DataSink } from '../../core/data_path.js';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import { Meter } from '../../pipeline/meter.js';
import { pumpSend } from '../../pipeline/send_pump.js';
import type { EffectHandler } from '../../runtime/ports.js';
import { type ChildRegistry, watchForStall } from '../child_registry.js';
import type { ProgressBoard } from '../progress_board.js';

/** How long a replica may take to dial its data link after it was told to start, ms. */
const dial_timeout_ms = 60_000;
/** How long the size of a stream may be worked out, ms; without it there is no ETA. */
const estimate_timeout_ms = 120_000;

/** A transfer that is over sooner needs no ETA, and its beginning is when the estimate would compete with it, ms. */
const estimate_after_ms = 250;

export interface SendOptions {
  readonly store: SnapshotStore;
  readonly imagePath: (image: string) => string;
  readonly waitForData: (
    session: DataSession & { readonly node: string },
    options: { readonly timeout_ms: number; readonly signal: AbortSignal },
  ) => Promise<DataSink>;
  readonly estimate: (
    what: { readonly path: string; readonly parent: string | undefined; readonly stream_version: 1 | 2 },
    options: { readonly signal: AbortSignal; readonly timeout_ms: number },
  ) => Promise<number | null>;
  readonly children: ChildRegistry;
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

/** The `send` effect: `btrfs send` into the data link that the replica dials. */
export function sendEffect(options: SendOptions): EffectHandler {
  /** The snapshots by their uuids as planned: a number may mean another one by now. */
  const findPaths = async ({
    image,
    number,
    plan,
  }: SendParams): Promise<{ source: string; parent?: string }> => {
    const directory = options.imagePath(image);
    const byIdentity = async (uuid: string, wanted: string): Promise<string> => {
      const snapshot_path = path.join(directory, wanted);
      const found = await options.store.inspect(snapshot_path).catch((thrown: unknown) => {
        if (thrown instanceof IcbdError && thrown.code === 'BtrfsSubvolumeNotFound') return undefined;
        throw thrown;
      });
      if (found?.read_only === true && identityOf(found) === uuid) return snapshot_path;
      throw new IcbdError('SnapshotNotFound', `the snapshot ${image}/${wanted} is gone or replaced`, {
        operation: 'send',
        subject: `${image}/${wanted}`,
        // Planning again finds another parent, or says for good that the snapshot is gone.
        retryable: true,
      });
    };
    const source = await byIdentity(plan.uuid, number);
    if (plan.parent === null) return { source };
    return { source, parent: await byIdentity(plan.parent.uuid, plan.parent.number) };
  };

  return async (effect, { signal }) => {
    const params = effect.params as SendParams;
    const { transfer, attempt, plan, replica } = params;
    const { source, parent } = await findPaths(params);
    const session = { transfer, attempt, node: replica };
    const sink = await options.waitForData(session, { timeout_ms: dial_timeout_ms, signal });

    const meter = new Meter(options.clock);
    const started_at_ms = options.clock.now();
    let total_bytes: number | null = null;
    const stop_estimate = new AbortController();
    const estimate = async (): Promise<void> => {
      const what = { path: source, parent, stream_version: plan.stream_version };
      const estimate_signal = AbortSignal.any([signal, stop_estimate.signal]);
      // No estimate, no ETA; what is wrong with the snapshot, the send itself will say.
      total_bytes = await options
        .estimate(what, { signal: estimate_signal, timeout_ms: estimate_timeout_ms })
        .catch(() => null);
    };
    let estimated: Promise<void> | undefined;
    const forgetEstimate = options.clock.after(estimate_after_ms, () => {
      estimated = estimate();
    });
    const hide = options.progress.show(effect.actor, () => ({
      actor: effect.actor,
      attempt,
      stream_bytes: meter.bytes,
      link_bytes: sink.link_bytes,
      total_bytes,
      rate_bytes_per_s: meter.rate_bytes_per_s(),
      started_at_ms,
      at_ms: options.clock.now(),
    }));
    const child = options.children.start(effect.id, {
      ...sendArguments({
        path: source,
        parent,
        stream_version: plan.stream_version,
        compressed_data: plan.stream_version >= 2,
      }),
      stdin: 'none',
      stdout: 'pipe',
    });
    const unwatch = watchForStall({
      idleMs: () => meter.idle_ms(),
      stall_timeout_ms: options.stall_timeout_ms,
      subject: transfer,
      stop: (reason) => child.stop(reason),
    });
    try {
      const trailer = await pumpSend({ child, codec: plan.codec, sink, meter, signal });
      return { type: 'send.done', result: trailer };
    } finally {
      unwatch();
      forgetEstimate();
      stop_estimate.abort();
      await estimated;
      hide();
    }
  };
}
