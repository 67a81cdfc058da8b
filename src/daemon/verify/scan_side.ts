/** One of the two trees of a comparison: here, or on a replica. */
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { ControlLink } from '../../core/link.js';
import { type ScanAnswer, type ScanMethod, type ScanParams, scan_answers } from './scan_requests.js';
import type { ScanStatus } from './scan_thread.js';
import type { SnapshotScans } from './snapshot_scans.js';
import type { TreePage } from './tree_scan.js';

/** For all methods: throws IcbdError; `Cancelled` or the signal's reason when the comparison is given up. */
export interface ScanSide {
  /** What `identityOf` says of its snapshot. */
  readonly identity: string;
  poll(): Promise<ScanStatus>;
  list(path: string, after: string | null): Promise<TreePage>;
  marks(path: string): Promise<string[]>;
  blocks(path: string, offset_bytes: number, block_bytes: number, count: number): Promise<string[]>;
  /** Never throws. */
  stop(): Promise<void>;
}

/** A slow disk needs its time for 256 MiB. */
const answer_ms_max = 180_000;
/** How long a link that broke is waited for; the replica keeps the scan for a minute. */
const patience_ms = 45_000;
const retry_ms = 1_000;

/** @throws IcbdError `ImageNotFound`, `SnapshotNotFound`, `NotAllowedNow` */
export async function scanHere(scans: SnapshotScans, image: string, number: string): Promise<ScanSide> {
  const { scan, identity } = await scans.start(image, number);
  return {
    identity,
    poll: async () => scans.poll(scan),
    list: async (path, after) => (await scans.ask(scan, { method: 'list', path, after })) as TreePage,
    marks: async (path) => (await scans.ask(scan, { method: 'marks', path })) as string[],
    blocks: async (path, offset_bytes, block_bytes, count) =>
      (await scans.ask(scan, { method: 'blocks', path, offset_bytes, block_bytes, count })) as string[],
    stop: () => scans.stop(scan),
  };
}

export interface RemoteOptions {
  /** The link as it is now. Throws `ReplicaOffline`. */
  readonly link: () => ControlLink;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function ask<M extends ScanMethod>(
  { link, signal }: RemoteOptions,
  method: M,
  params: ScanParams<M>,
): Promise<ScanAnswer<M>> {
  const current = link();
  const answer = await current.request({ method, params }, { timeout_ms: answer_ms_max, signal });
  const result = scan_answers[method].safeParse(answer);
  if (result.success) return result.data as ScanAnswer<M>;
  throw new IcbdError('InvalidMessage', `the answer to ${method} is none`, {
    operation: 'verify snapshot',
    subject: current.peer.node,
    hint: 'are both nodes of the same version?',
    cause: result.error,
  });
}

function isLinkLoss(error: unknown): boolean {
  return error instanceof IcbdError && (error.code === 'LinkLost' || error.code === 'ReplicaOffline');
}

/** As `ask`, and once more while the link is away: questions change nothing. */
async function askPatiently<M extends ScanMethod>(
  options: RemoteOptions,
  method: M,
  params: ScanParams<M>,
): Promise<ScanAnswer<M>> {
  const { clock, signal } = options;
  const end_ms = clock.now() + patience_ms;
  for (;;) {
    try {
      return await ask(options, method, params);
    } catch (error) {
      if (signal.aborted || !isLinkLoss(error) || clock.now() >= end_ms) throw error;
      await new Promise<void>((resolve) => {
        clock.after(retry_ms, resolve);
      });
    }
  }
}

/** @throws IcbdError: what the replica answers, `ReplicaOffline` */
export async function scanThere(options: RemoteOptions, image: string, number: string): Promise<ScanSide> {
  const { scan, identity } = await ask(options, 'verify.start', { image, number });
  const stop_options = { ...options, signal: new AbortController().signal };
  return {
    identity,
    poll: () => askPatiently(options, 'verify.poll', { scan }),
    list: (path, after) => askPatiently(options, 'verify.list', { scan, path, after }),
    marks: (path) => askPatiently(options, 'verify.marks', { scan, path }),
    blocks: (path, offset_bytes, block_bytes, count) =>
      askPatiently(options, 'verify.blocks', { scan, path, offset_bytes, block_bytes, count }),
    // One that does not hear it stops by itself when it is not asked any more.
    stop: async () => {
      await ask(stop_options, 'verify.stop', { scan }).catch(() => undefined);
    },
  };
}
