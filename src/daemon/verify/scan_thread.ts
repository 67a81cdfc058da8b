import type { Worker } from 'node:worker_threads';
import { type ErrorReport, IcbdError } from '../../core/errors.js';
import type { ScanNews, ScanOrder, ScanProgress, ScanQuestion, ScanThreadData } from './scan_messages.js';
import { startThread } from '../../pipeline/start_thread.js';
import type { TreeSummary } from './tree_scan.js';

/** What the thread's heap may take: enough for some millions of files. More ends the scan, not the daemon. */
const heap_mb_max = 1_024;

const operation = 'verify snapshot';

/** Where a scan stands. */
export interface ScanStatus extends ScanProgress {
  readonly state: 'running' | 'done' | 'failed';
  /** Present when it is done. */
  readonly summary: TreeSummary | null;
  /** Present when it failed. */
  readonly error: ErrorReport | null;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: IcbdError): void;
}

/** Hashes one snapshot in a thread of its own, and then answers questions about it. */
export class ScanThread {
  readonly #worker: Worker;
  readonly #root: string;
  readonly #pending = new Map<number, Pending>();
  #next_id = 1;
  #status: ScanStatus = {
    state: 'running',
    phase: 'listing',
    entries: 0,
    bytes: 0,
    total_bytes: null,
    summary: null,
    error: null,
  };

  /** @param root path of the snapshot */
  constructor(root: string) {
    const data: ScanThreadData = { root };
    this.#root = root;
    this.#worker = startThread(new URL('./scan_worker.js', import.meta.url), {
      name: 'verify',
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: heap_mb_max },
    });
    this.#worker.unref();
    this.#worker.on('message', (news: ScanNews) => this.#hear(news));
    this.#worker.on('error', (cause) => this.#fail(`its thread failed: ${cause.message}`, cause));
    this.#worker.on('exit', () => this.#fail('its thread ended'));
  }

  get status(): ScanStatus {
    return this.#status;
  }

  /**
   * @throws IcbdError `NotAllowedNow` before the scan is done, `InvalidArgument`, `SnapshotNotFound`; what ended it
   */
  ask(question: ScanQuestion): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { state, error } = this.#status;
      if (error !== null) throw IcbdError.fromReport(error);
      if (state !== 'done') {
        throw new IcbdError('NotAllowedNow', 'the scan is not done', { operation, subject: this.#root });
      }
      const id = this.#next_id;
      this.#next_id += 1;
      this.#pending.set(id, { resolve, reject });
      const order: ScanOrder = { ...question, id };
      this.#worker.postMessage(order, []);
    });
  }

  /** Ends the thread, in the middle of whatever it does. */
  async stop(): Promise<void> {
    this.#fail('it was stopped');
    await this.#worker.terminate();
  }

  #hear(news: ScanNews): void {
    if (this.#status.state === 'failed') return;
    switch (news.kind) {
      case 'progress':
        this.#status = { ...this.#status, ...news.progress };
        return;
      case 'done': {
        const { entries, bytes } = news.summary;
        const end = { entries, bytes, total_bytes: bytes, summary: news.summary };
        this.#status = { ...this.#status, ...end, phase: 'hashing', state: 'done' };
        return;
      }
      case 'failed':
        this.#end(news.error);
        return;
      case 'answer':
        this.#take(news.id)?.resolve(news.result);
        return;
      case 'refused':
        this.#take(news.id)?.reject(IcbdError.fromReport(news.error));
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #fail(why: string, cause?: unknown): void {
    if (this.#status.state === 'failed') return;
    const message = `the scan of ${this.#root} ended: ${why}`;
    this.#end(new IcbdError('Interrupted', message, { operation, subject: this.#root, cause }).toReport());
  }

  #end(error: ErrorReport): void {
    this.#status = { ...this.#status, state: 'failed', summary: null, error };
    for (const pending of this.#pending.values()) pending.reject(IcbdError.fromReport(error));
    this.#pending.clear();
  }
}
