import path from 'node:path';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import { identityOf } from '../../core/lineage.js';
import type { ImageRepository } from '../images/image_repository.js';
import type { ScanQuestion } from './scan_messages.js';
import { ScanThread, type ScanStatus } from './scan_thread.js';

/** Scans of one node at the same time. */
const scans_max = 4;
/** A scan that nobody asks for so long is stopped: whoever started it is gone. */
const idle_ms_max = 60_000;

const operation = 'verify snapshot';

interface Scan {
  readonly thread: ScanThread;
  /** Questions that are being answered. */
  busy: number;
  cancelTimer: () => void;
}

export interface StartedScan {
  readonly scan: string;
  /** What `identityOf` says of the snapshot. */
  readonly identity: string;
}

export interface SnapshotScansOptions {
  readonly repository: ImageRepository;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Buffer;
}

/** The scans of complete snapshots of this node's images, for itself and for its master. */
export class SnapshotScans {
  readonly #options: SnapshotScansOptions;
  readonly #scans = new Map<string, Scan>();
  #is_closed = false;

  constructor(options: SnapshotScansOptions) {
    this.#options = options;
  }

  /** @throws IcbdError `ImageNotFound`, `SnapshotNotFound`, `NotAllowedNow` (too many run) */
  async start(image: string, number: string): Promise<StartedScan> {
    const { repository, randomBytes } = this.#options;
    const snapshot = await repository.snapshot(image, number);
    if (this.#is_closed || this.#scans.size >= scans_max) {
      throw new IcbdError('NotAllowedNow', `${scans_max} snapshots are being verified already`, {
        operation,
        subject: `${image}/${number}`,
        retryable: true,
        hint: 'wait until one of them is done',
      });
    }
    const scan = randomBytes(8).toString('hex');
    const thread = new ScanThread(path.join(repository.path(image), number));
    this.#scans.set(scan, { thread, busy: 0, cancelTimer: () => {} });
    this.#touch(scan);
    return { scan, identity: identityOf(snapshot) };
  }

  /** @throws IcbdError `Interrupted` if there is no such scan any more */
  poll(scan: string): ScanStatus {
    const { thread } = this.#require(scan);
    this.#touch(scan);
    return thread.status;
  }

  /** @throws IcbdError `Interrupted`; what `ScanThread.ask` throws */
  async ask(scan: string, question: ScanQuestion): Promise<unknown> {
    const entry = this.#require(scan);
    entry.busy += 1;
    try {
      return await entry.thread.ask(question);
    } finally {
      entry.busy -= 1;
      this.#touch(scan);
    }
  }

  /** Ends a scan; one that is gone already is a success. */
  async stop(scan: string): Promise<void> {
    const entry = this.#scans.get(scan);
    if (entry === undefined) return;
    this.#scans.delete(scan);
    entry.cancelTimer();
    await entry.thread.stop();
  }

  async close(): Promise<void> {
    this.#is_closed = true;
    await Promise.all([...this.#scans.keys()].map((scan) => this.stop(scan)));
  }

  #require(scan: string): Scan {
    const entry = this.#scans.get(scan);
    if (entry !== undefined) return entry;
    throw new IcbdError('Interrupted', 'the scan is gone', {
      operation,
      subject: scan,
      hint: 'its node was restarted, or was not asked for a minute: verify again',
    });
  }

  #touch(scan: string): void {
    const entry = this.#scans.get(scan);
    if (entry === undefined) return;
    entry.cancelTimer();
    entry.cancelTimer = this.#options.clock.after(idle_ms_max, () => {
      if (entry.busy > 0) this.#touch(scan);
      else void this.stop(scan);
    });
  }
}
