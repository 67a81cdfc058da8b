import { IcbdError } from '../../core/errors.js';
import type { VerifyReport } from '../../core/verify_report.js';
import { VerifyRun, type VerifyRunsOptions, type VerifyTargets } from './verify_run.js';

/** Runs at the same time; each hashes on this node too. */
const runs_max = 2;
/** A run that nobody looks at for so long is cancelled. */
const idle_ms_max = 60_000;
/** How long the result of one is kept, ms. */
const keep_ms = 600_000;

const operation = 'verify snapshot';

interface Entry {
  readonly run: VerifyRun;
  cancelTimer: () => void;
}

/** The comparisons of snapshots with their copies that operators have asked a master for. */
export class VerifyRuns {
  readonly #options: VerifyRunsOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: VerifyRunsOptions) {
    this.#options = options;
  }

  /**
   * Starts a comparison; it runs as long as somebody looks at it.
   * @throws IcbdError `ImageNotFound`, `SnapshotNotFound`, `ReplicaOffline`, `NotAllowedNow` (too many run)
   */
  async start(image: string, number: string, targets: VerifyTargets): Promise<VerifyReport> {
    const { repository, randomBytes } = this.#options;
    await repository.snapshot(image, number);
    if (targets.online.length === 0) {
      const who =
        targets.offline.length === 0 ? 'there is no replica' : `offline: ${targets.offline.join(', ')}`;
      throw new IcbdError('ReplicaOffline', `no replica is connected to compare with; ${who}`, {
        operation,
        subject: `${image}/${number}`,
        hint: 'icbdrep replicas tells since when and why',
      });
    }
    const running = [...this.#entries.values()].filter(({ run }) => run.report().state === 'running');
    if (running.length >= runs_max) {
      throw new IcbdError('NotAllowedNow', `${runs_max} snapshots are being verified already`, {
        operation,
        subject: `${image}/${number}`,
        retryable: true,
        hint: 'wait until one of them is done',
      });
    }
    const id = randomBytes(6).toString('hex');
    const run = new VerifyRun(this.#options, { id, image, number }, targets);
    this.#entries.set(id, { run, cancelTimer: () => {} });
    this.#touch(id);
    return run.report();
  }

  /** @throws IcbdError `Interrupted` if there is none of this id any more */
  report(id: string): VerifyReport {
    const { run } = this.#require(id);
    this.#touch(id);
    return run.report();
  }

  /** @throws IcbdError `Interrupted` */
  cancel(id: string): VerifyReport {
    const { run } = this.#require(id);
    run.cancel('it was cancelled');
    return run.report();
  }

  close(): void {
    for (const { run, cancelTimer } of this.#entries.values()) {
      cancelTimer();
      run.cancel('the daemon stops');
    }
  }

  #require(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry;
    throw new IcbdError('Interrupted', `there is no verification ${id}`, {
      operation,
      subject: id,
      hint: 'the daemon was restarted, or it was long ago: verify again',
    });
  }

  #touch(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.cancelTimer();
    const is_running = entry.run.report().state === 'running';
    entry.cancelTimer = this.#options.clock.after(is_running ? idle_ms_max : keep_ms, () => {
      if (entry.run.report().state === 'running') {
        entry.run.cancel('nobody looked at it for a minute');
        this.#touch(id);
      } else {
        this.#entries.delete(id);
      }
    });
  }
}
