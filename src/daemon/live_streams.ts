import type { StreamSource } from '../core/checkpoint.js';
import type { ErrorReport } from '../core/errors.js';
import type { OutgoingStream } from '../pipeline/outgoing_stream.js';

/** What a stream is one of, and where that is read from. */
export interface StreamOrigin {
  readonly source: StreamSource;
  readonly path: string;
  readonly parent_path: string | null;
}

export interface LiveStream {
  readonly origin: StreamOrigin;
  readonly stream: OutgoingStream;
  /** What it was estimated to have; null if that is not known yet. */
  total_bytes: number | null;
}

const stopped = (why: string, transfer: string): ErrorReport => ({
  code: 'Cancelled',
  message: why,
  operation: 'send',
  subject: transfer,
  retryable: false,
  hint: '',
});

function isSame(one: StreamOrigin, other: StreamOrigin): boolean {
  return (
    one.path === other.path &&
    one.parent_path === other.parent_path &&
    one.source.uuid === other.source.uuid &&
    one.source.parent_uuid === other.source.parent_uuid &&
    one.source.stream_version === other.source.stream_version
  );
}

/**
 * The running `btrfs send` of transfers whose link is lost, with what the replica may still need of them. One is kept
 * until the link is back, however long that takes, or until its process dies.
 */
export class LiveStreams {
  readonly #kept = new Map<string, LiveStream>();

  /** Transfers of which one is kept. */
  get transfers(): readonly string[] {
    return [...this.#kept.keys()];
  }

  /** The stream of a transfer, which is the caller's from now on. One of something else is stopped. */
  async take(transfer: string, origin: StreamOrigin): Promise<LiveStream | undefined> {
    const live = this.#kept.get(transfer);
    if (live === undefined) return undefined;
    this.#kept.delete(transfer);
    if (isSame(live.origin, origin)) return live;
    await live.stream.stop(stopped('another stream is wanted now', transfer));
    return undefined;
  }

  keep(transfer: string, live: LiveStream): void {
    const before = this.#kept.get(transfer);
    this.#kept.set(transfer, live);
    void before?.stream.stop(stopped('another stream is kept', transfer));
    void live.stream.over.then(() => {
      if (this.#kept.get(transfer) === live) this.#kept.delete(transfer);
    });
  }

  /** Stops what is kept of a transfer, if anything is; waits until the process has ended. */
  async drop(transfer: string): Promise<void> {
    const live = this.#kept.get(transfer);
    this.#kept.delete(transfer);
    await live?.stream.stop(stopped('the transfer does not need it any more', transfer));
  }

  /** Stops all. */
  async closeAll(): Promise<void> {
    await Promise.all(this.transfers.map((transfer) => this.drop(transfer)));
  }
}
