/** Brings together a data link that a replica dialled and the transfer on the master that wants it. */
import type { Clock } from '../core/clock.js';
import type { DataSession, DataSink } from '../core/data_path.js';
import { IcbdError, type ErrorCode, type ErrorReport } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { WsDataSink } from './data_sink.js';
import type { TransportLog } from './transport_log.js';

/** How long a data link waits for its transfer. */
export const unclaimed_ms = 10_000;
/** Data links of one node that may wait at the same time. */
export const unclaimed_max = 16;
/** How long a receiver that dialled again has to learn on its old link why that one ends. */
export const replaced_linger_ms = 2_000;
const operation = 'open data link';

/** One transfer's session with the only node that may claim it. */
export interface NodeSession extends DataSession {
  readonly node: string;
}

export interface WaitOptions {
  readonly timeout_ms?: number;
  readonly signal?: AbortSignal;
}

interface Held {
  readonly sink: WsDataSink;
  readonly cancel: () => void;
}

interface Waiting {
  readonly session: NodeSession;
  readonly resolve: (sink: WsDataSink) => void;
  readonly reject: (reason: IcbdError) => void;
}

function keyOf({ node, transfer, attempt }: NodeSession): string {
  return JSON.stringify([node, transfer, attempt]);
}

export class DataClaims {
  readonly #clock: Clock;
  readonly #log: (entry: TransportLog) => void;
  readonly #held = new Map<string, Map<string, Held>>();
  readonly #waiting = new Map<string, Waiting>();
  /** Those that a transfer has, as far as it is known not broken. */
  readonly #given = new Map<string, WsDataSink>();

  constructor(clock: Clock, log: (entry: TransportLog) => void) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * An authenticated data link came: it is given to who waits for it, held for `unclaimed_ms`, or refused.
   * An older one of the same session ends, also one that was given away: who dials again has left it, which a
   * half-open connection does not tell for long.
   */
  offer(session: NodeSession, sink: WsDataSink): void {
    const key = keyOf(session);
    const older = this.#release(session) ?? this.#given.get(key);
    if (older !== undefined) this.#replace(session, older);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.resolve(sink);
      return;
    }
    const is_of_another = [...this.#waiting.values()].some(
      ({ session: other }) => other.transfer === session.transfer && other.attempt === session.attempt,
    );
    if (is_of_another) {
      this.#refuse(session, sink, 'NotPermitted', 'the transfer is for another node');
      return;
    }
    this.#hold(session, sink);
  }

  /**
   * @throws IcbdError `TimedOut`; `Cancelled` or the signal's own reason when it aborts; `AlreadyRunning` if
   *   somebody waits for the same session
   */
  wait(session: NodeSession, options: WaitOptions): Promise<DataSink> {
    const key = keyOf(session);
    const subject = `${session.transfer} attempt ${String(session.attempt)}`;
    const { signal } = options;
    const timeout_ms = options.timeout_ms ?? limits.request_ms;
    const cancelled = (): IcbdError =>
      signal?.reason instanceof IcbdError
        ? signal.reason
        : new IcbdError('Cancelled', 'the data link is not wanted any more', { operation, subject });
    if (signal?.aborted === true) return Promise.reject(cancelled());
    if (this.#waiting.has(key)) {
      return Promise.reject(new IcbdError('AlreadyRunning', 'somebody waits for it', { operation, subject }));
    }
    const held = this.#release(session);
    if (held !== undefined) {
      this.#give(key, held);
      return Promise.resolve(held);
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(key);
      };
      const waiting: Waiting = {
        session,
        resolve: (sink) => {
          settle();
          this.#give(key, sink);
          resolve(sink);
        },
        reject: (reason) => {
          settle();
          reject(reason);
        },
      };
      const onAbort = (): void => {
        waiting.reject(cancelled());
      };
      const cancelTimer = this.#clock.after(timeout_ms, () => {
        const message = `${session.node} opened no data link within ${String(timeout_ms)} ms`;
        waiting.reject(new IcbdError('TimedOut', message, { operation, subject }));
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(key, waiting);
    });
  }

  /** The server ends: who waits learns it. Held links end with their sockets. */
  closeAll(reason: IcbdError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(reason);
  }

  #give(key: string, sink: WsDataSink): void {
    this.#given.set(key, sink);
    sink.onFinished = () => {
      if (this.#given.get(key) === sink) this.#given.delete(key);
    };
  }

  #hold(session: NodeSession, sink: WsDataSink): void {
    const of_node = this.#held.get(session.node) ?? new Map<string, Held>();
    if (of_node.size >= unclaimed_max) {
      this.#refuse(session, sink, 'NotPermitted', 'too many data links wait for their transfers');
      return;
    }
    this.#held.set(session.node, of_node);
    const cancel = this.#clock.after(unclaimed_ms, () => {
      this.#release(session);
      this.#refuse(session, sink, 'TimedOut', `no transfer asked for it within ${String(unclaimed_ms)} ms`);
    });
    of_node.set(keyOf(session), { sink, cancel });
    sink.onFinished = () => {
      this.#release(session);
    };
  }

  #release(session: NodeSession): WsDataSink | undefined {
    const of_node = this.#held.get(session.node);
    const held = of_node?.get(keyOf(session));
    if (held === undefined) return undefined;
    of_node?.delete(keyOf(session));
    if (of_node?.size === 0) this.#held.delete(session.node);
    held.cancel();
    held.sink.onFinished = () => undefined;
    return held.sink;
  }

  #replace(session: NodeSession, older: WsDataSink): void {
    const error = this.#errorOf(session, 'LinkLost', 'a newer data link took its place');
    older.abort(error, replaced_linger_ms);
    this.#log({ kind: 'data_refused', node: session.node, error });
  }

  #refuse(session: NodeSession, sink: WsDataSink, code: 'NotPermitted' | 'TimedOut', message: string): void {
    const error = this.#errorOf(session, code, message);
    sink.abort(error);
    this.#log({ kind: 'data_refused', node: session.node, error });
  }

  #errorOf({ transfer, attempt }: NodeSession, code: ErrorCode, message: string): ErrorReport {
    const subject = `${transfer} attempt ${String(attempt)}`;
    return new IcbdError(code, message, { operation, subject }).toReport();
  }
}
