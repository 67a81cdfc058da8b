/** The two ends of a data link, as the pipeline sees them. The transport implements them. */
import type { ErrorReport, IcbdError } from './errors.js';

/** Places of a stream at which its hash is known to both ends lie this far apart. */
export const proof_grid_bytes = 1024 * 1024;

/** A place in the uncompressed stream, proven by the hash of all before it. */
export interface StreamPlace {
  /** A multiple of `proof_grid_bytes`. */
  readonly offset_bytes: number;
  /** The proof hash up to there, 16 lower-case hex digits; see `ProofHash`. */
  readonly hash: string;
}

export const stream_start: StreamPlace = { offset_bytes: 0, hash: '0'.repeat(16) };

/** What the sender says at the end of a stream, so that the receiver can prove that it has all of it. */
export interface StreamTrailer {
  /** Bytes of the uncompressed stream. */
  readonly stream_bytes: number;
  /** The proof hash of the uncompressed stream, 16 lower-case hex digits; see `ProofHash`. */
  readonly hash: string;
}

/** Where the sending node puts the blocks of one transfer. */
export interface DataSink {
  /** From where the receiver wants the stream. Rejects with what ended the link before it said so. */
  readonly begin: Promise<StreamPlace>;
  /** Called when the receiver has taken the stream up to this offset: this link will not ask for it again. */
  onTaken: ((offset_bytes: number) => void) | undefined;
  /** Called when the receiver has the stream up to this offset on its disk: no crash takes it away. */
  onKept: ((offset_bytes: number) => void) | undefined;
  /** Resolves, never rejects, when the link has ended, with why nothing can be written any more. */
  readonly closed: Promise<IcbdError>;
  /** Says how far the sender has read what the receiver has already; it may take long. Never throws. */
  skipped(offset_bytes: number): void;
  /**
   * Queues one block and waits while more than `limits.data_in_flight_bytes` are on their way.
   * The block must not be changed afterwards.
   * @throws IcbdError `LinkLost`; or what the peer gave as its reason to stop
   */
  write(block: Buffer): Promise<void>;
  /** Says that the stream is complete, and waits until all of it is handed to the network. */
  end(trailer: StreamTrailer): Promise<void>;
  /** Says that the stream will not be completed, and why; never throws. */
  abort(reason: ErrorReport): void;
  /** Bytes handed to the link so far, frames' headers included. */
  readonly link_bytes: number;
}

/** Where the receiving node takes the blocks of one transfer from. */
export interface DataSource {
  /**
   * The blocks in order; ends after the last one.
   * @throws IcbdError `LinkLost` if the link breaks before the trailer; the sender's reason if it aborted;
   *   `FrameTooLarge`, `InvalidMessage` if the peer breaks the protocol
   */
  readonly blocks: AsyncIterable<Buffer>;
  /** Called when the sender says how far it has read what this side has already. */
  onSkipped: ((offset_bytes: number) => void) | undefined;
  /** Says that all of the stream up to this offset was taken; never throws. */
  taken(offset_bytes: number): void;
  /** Says that the stream up to this offset is on disk here; never throws. */
  kept(offset_bytes: number): void;
  /** The sender's trailer; undefined until `blocks` has ended. */
  readonly trailer: StreamTrailer | undefined;
  /** Tells the sender to stop, and why; never throws. */
  abort(reason: ErrorReport): void;
  readonly link_bytes: number;
}

/** Names the session that a data link is for. Both ends must agree on all of it. */
export interface DataSession {
  readonly transfer: string;
  readonly attempt: number;
}
