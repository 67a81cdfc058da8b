/** A control link as the daemon sees it. The transport implements it. */
import type { Capabilities } from './codecs.js';
import type { ErrorReport } from './errors.js';
import type { OutgoingMessage } from './records.js';

/** Who is at the other end of an authenticated link. */
export interface Peer {
  readonly node: string;
  /** Names this node's state database: message ids are unique under it. Changes if the database is made anew. */
  readonly instance: string;
  readonly capabilities: Capabilities;
  /** Address of its socket, for people. */
  readonly address: string;
}

/** A request between nodes that is answered at once or not at all; nothing durable. */
export interface Request {
  readonly method: string;
  readonly params: unknown;
}

/** A durable message as it arrives; `peer` is the node that sent it. */
export interface IncomingMessage extends OutgoingMessage {
  /** Every message of this sender with a smaller id is acknowledged, will not come again, and may be forgotten. */
  readonly floor: number;
}

/** One authenticated control link. */
export interface ControlLink {
  readonly peer: Peer;
  /** Differs for every link made since the node started. */
  readonly session: string;
  /**
   * Hands a durable message to the link; a lost one is found again by its missing acknowledgement.
   * @param floor the smallest id of a message to this peer that is not acknowledged yet
   * @throws IcbdError `FrameTooLarge` for a message over `limits.control_frame_bytes`
   */
  sendMessage(message: OutgoingMessage, floor: number): void;
  /**
   * @throws IcbdError `TimedOut`, `LinkLost`, or what the peer answered
   */
  request(
    request: Request,
    options?: { readonly timeout_ms?: number; readonly signal?: AbortSignal },
  ): Promise<unknown>;
  /**
   * Asks the peer's end of the connection for a sign of life. No handler of the peer takes part, but a process
   * that hangs gives none. Bytes of any kind that come meanwhile count as one too, when `timeout_ms` is over:
   * on a slow line the answer may wait behind them.
   * @returns the time to the answer in ms; null if only other bytes came
   * @throws IcbdError `TimedOut` or `LinkLost`
   */
  ping(options: { readonly timeout_ms: number }): Promise<number | null>;
  /** How often to look whether the peer is still there, and how often in vain before the link is given up. */
  setRhythm(rhythm: LivenessRhythm): void;
  close(reason: ErrorReport): void;
}

/** When a peer from which nothing comes is given up. */
export interface LivenessRhythm {
  readonly interval_ms: number;
  /** Intervals in a row without a byte. */
  readonly missed_max: number;
}

/** What a control link tells its owner. */
export interface LinkHandlers {
  /** The link is authenticated and ready; at most one link of a node is up at a time. */
  onUp(link: ControlLink): void;
  /** Called once for every link that was up. */
  onDown(link: ControlLink, reason: ErrorReport): void;
  /**
   * A durable message came. When this returns, or when its promise resolves, it is committed, and the link acknowledges
   * it. When it throws or rejects, the link is closed without an acknowledgement.
   */
  onMessage(link: ControlLink, message: IncomingMessage): void | Promise<void>;
  /** The peer has committed this message of ours; may be called again for one already acknowledged. */
  onAcknowledged(link: ControlLink, message_id: number): void;
  onRequest(link: ControlLink, request: Request): Promise<unknown>;
}
