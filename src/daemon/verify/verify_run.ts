import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { ControlLink } from '../../core/link.js';
import type { VerifiedCopy, VerifyProgress, VerifyReport } from '../../core/verify_report.js';
import { Meter } from '../../pipeline/meter.js';
import type { ImageRepository } from '../images/image_repository.js';
import { compareTrees } from './compare_trees.js';
import { type ScanSide, scanHere, scanThere } from './scan_side.js';
import type { ScanStatus } from './scan_thread.js';
import type { SnapshotScans } from './snapshot_scans.js';
import type { TreeSummary } from './tree_scan.js';

/** Time between two looks at a scan, ms. */
const poll_every_ms = 250;

export interface VerifyRunsOptions {
  readonly node: string;
  readonly repository: ImageRepository;
  readonly scans: SnapshotScans;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Buffer;
  /** @throws IcbdError `ReplicaOffline` */
  readonly linkTo: (node: string) => ControlLink;
}

/** Which replicas a snapshot is to be compared with. */
export interface VerifyTargets {
  readonly online: readonly string[];
  readonly offline: readonly string[];
  /** The operator named it: whatever keeps it from being compared is an error. */
  readonly is_named: boolean;
}

type Outcome = Pick<VerifiedCopy, 'state' | 'differences' | 'more' | 'error'>;

const undecided: Outcome = { state: 'hashing', differences: [], more: false, error: null };

/** How far one node is, as it was seen last. */
class Sight {
  readonly #node: string;
  readonly #meter: Meter;
  #phase: VerifyProgress['phase'] = 'waiting';
  #status: Pick<ScanStatus, 'entries' | 'bytes' | 'total_bytes'> = {
    entries: 0,
    bytes: 0,
    total_bytes: null,
  };

  constructor(node: string, options: VerifyRunsOptions) {
    this.#node = node;
    this.#meter = new Meter(options.clock);
  }

  see(status: ScanStatus): void {
    this.#meter.add(Math.max(0, status.bytes - this.#status.bytes));
    this.#status = status;
    this.#phase = status.state === 'done' ? 'done' : status.phase;
  }

  report(): VerifyProgress {
    const { entries, bytes, total_bytes } = this.#status;
    const rate_bytes_per_s = this.#phase === 'hashing' ? this.#meter.rate_bytes_per_s() : 0;
    return { node: this.#node, phase: this.#phase, entries, bytes, total_bytes, rate_bytes_per_s };
  }
}

interface Copy {
  readonly sight: Sight;
  outcome: Outcome;
}

type Hashed = { readonly side: ScanSide; readonly summary: TreeSummary };

/** One comparison of a snapshot with its copies. It begins when it is made, and never throws. */
export class VerifyRun {
  readonly #options: VerifyRunsOptions;
  readonly #what: { readonly id: string; readonly image: string; readonly number: string };
  readonly #targets: VerifyTargets;
  readonly #stopper = new AbortController();
  readonly #master: Sight;
  readonly #copies = new Map<string, Copy>();
  readonly #skipped: { node: string; reason: string }[];
  readonly #started_at_ms: number;
  #state: VerifyReport['state'] = 'running';
  #error: VerifyReport['error'] = null;
  #ended_at_ms: number | null = null;

  constructor(
    options: VerifyRunsOptions,
    what: { readonly id: string; readonly image: string; readonly number: string },
    targets: VerifyTargets,
  ) {
    this.#options = options;
    this.#what = what;
    this.#targets = targets;
    this.#started_at_ms = options.clock.now();
    this.#master = new Sight(options.node, options);
    this.#skipped = targets.offline.map((node) => ({ node, reason: 'it is offline' }));
    for (const node of targets.online) {
      this.#copies.set(node, { sight: new Sight(node, options), outcome: undecided });
    }
    void this.#run();
  }

  report(): VerifyReport {
    return {
      ...this.#what,
      state: this.#state,
      master: this.#master.report(),
      copies: [...this.#copies.values()].map(({ sight, outcome }) => ({ ...sight.report(), ...outcome })),
      skipped: this.#skipped,
      error: this.#error,
      started_at_ms: this.#started_at_ms,
      ended_at_ms: this.#ended_at_ms,
    };
  }

  cancel(why: string): void {
    if (this.#state !== 'running') return;
    const details = { operation: 'verify snapshot', subject: `${this.#what.image}/${this.#what.number}` };
    const reason = new IcbdError('Cancelled', `the comparison was given up: ${why}`, details);
    this.#end('cancelled', reason);
    this.#stopper.abort(reason);
  }

  #end(state: VerifyReport['state'], error: IcbdError | null): void {
    if (this.#state !== 'running') return;
    this.#state = state;
    this.#error = error?.toReport() ?? null;
    this.#ended_at_ms = this.#options.clock.now();
  }

  async #run(): Promise<void> {
    const { scans } = this.#options;
    const { image, number } = this.#what;
    let side: ScanSide | undefined;
    try {
      side = await scanHere(scans, image, number);
      const master = this.#untilHashed(side, this.#master);
      let failure: IcbdError | undefined;
      master.catch((thrown: unknown) => {
        failure = IcbdError.from(thrown, 'verify snapshot', `${image}/${number}`);
      });
      // Where no copy can be compared, nobody waits for the master's own hashing.
      await Promise.all([...this.#copies].map(([node, copy]) => this.#verify(node, copy, master)));
      if (failure !== undefined) throw failure;
      const nothing = this.#nothingCompared();
      this.#end(nothing === null ? 'finished' : 'failed', nothing);
    } catch (thrown) {
      this.#end('failed', IcbdError.from(thrown, 'verify snapshot', `${image}/${number}`));
    } finally {
      this.#stopper.abort();
      await side?.stop();
    }
  }

  #nothingCompared(): IcbdError | null {
    if (this.#copies.size > 0) return null;
    const { image, number } = this.#what;
    return new IcbdError('SnapshotNotFound', `no connected replica holds the image ${image}`, {
      operation: 'verify snapshot',
      subject: `${image}/${number}`,
      hint: `icbdrep image add ${image} --node NAME, then icbdrep send`,
    });
  }

  async #verify(node: string, copy: Copy, master: Promise<Hashed>): Promise<void> {
    const { linkTo, clock } = this.#options;
    const { signal } = this.#stopper;
    let side: ScanSide | undefined;
    try {
      side = await scanThere(
        { link: () => linkTo(node), clock, signal },
        this.#what.image,
        this.#what.number,
      );
      const hashed = await this.#untilHashed(side, copy.sight);
      const original = await master;
      copy.outcome = { ...copy.outcome, state: 'comparing' };
      const { differences, more } = await compareTrees(original, hashed, signal);
      const state = differences.length === 0 ? 'equal' : 'different';
      copy.outcome = { state, differences, more, error: null };
    } catch (thrown) {
      this.#note(node, copy, IcbdError.from(thrown, 'verify snapshot', node));
    } finally {
      await side?.stop();
    }
  }

  #note(node: string, copy: Copy, error: IcbdError): void {
    if (error.code === 'ImageNotFound' && !this.#targets.is_named) {
      this.#copies.delete(node);
      this.#skipped.push({ node, reason: `it does not hold the image ${this.#what.image}` });
      return;
    }
    const is_missing = error.code === 'SnapshotNotFound' || error.code === 'ImageNotFound';
    copy.outcome = { ...undecided, state: is_missing ? 'missing' : 'failed', error: error.toReport() };
  }

  async #untilHashed(side: ScanSide, sight: Sight): Promise<Hashed> {
    for (;;) {
      this.#stopper.signal.throwIfAborted();
      const status = await side.poll();
      sight.see(status);
      if (status.error !== null) throw IcbdError.fromReport(status.error);
      if (status.summary !== null) return { side, summary: status.summary };
      await new Promise<void>((resolve) => {
        this.#options.clock.after(poll_every_ms, resolve);
      });
    }
  }
}
