import { setTimeout as sleep } from 'node:timers/promises';
import { IcbdError } from '../core/errors.js';
import type { FeedChoice, FeedKind, FeedMessage } from '../core/feed.js';
import type { CallOptions, ControlConnection } from './connection.js';
import { SentEventParser, type SentEvent } from './server_sent_events.js';

/** A daemon says something every 15 s; silence of so long is a lost connection, ms. */
const silence_ms_max = 45_000;
/** Pauses before the next try to reach the daemon again, ms; the last one goes on. */
const retry_pauses_ms = [100, 500, 1_000, 2_000, 5_000] as const;

export interface FollowOptions extends CallOptions {
  /** Also what happened since the event of this id; default: only what happens from now on. */
  readonly after?: number | undefined;
  /** Kinds of messages; `hello` and `gap` always come. Default: all. */
  readonly only?: readonly FeedChoice[] | undefined;
  /** Only of this actor, for example `transfer/17-3fa9`. */
  readonly actor?: string | undefined;
}

/** What happens on a daemon, while it happens. */
export class EventsClient {
  readonly #connection: ControlConnection;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /**
   * All that is told, until the signal or the caller ends it. When the connection is lost, or the daemon is restarted, it
   * connects again and goes on behind the last event; each connection begins with a `hello`, and a `gap` says that
   * events could not be told and all should be read anew. An event never comes twice.
   * @throws IcbdError `DaemonNotRunning` if the daemon cannot be reached the first time, what the daemon answers;
   *   `Cancelled` by the signal
   */
  async *follow(options: FollowOptions = {}): AsyncGenerator<FeedMessage, void, undefined> {
    const { signal } = options;
    const follower = new Follower(this.#connection, options);
    let failures = 0;
    for (;;) {
      try {
        for await (const message of follower.once()) {
          failures = 0;
          yield message;
        }
      } catch (thrown) {
        const error = thrown as IcbdError;
        if (!follower.has_begun || (error.code !== 'DaemonNotRunning' && error.code !== 'Busy')) throw error;
      }
      const pause_ms = retry_pauses_ms[Math.min(failures, retry_pauses_ms.length - 1)];
      failures += 1;
      await sleep(pause_ms, undefined, { signal }).catch((error: Error) => {
        throw this.#connection.failure(error, signal);
      });
    }
  }
}

class Follower {
  /** Whether the daemon was ever heard. */
  has_begun = false;
  readonly #connection: ControlConnection;
  readonly #options: FollowOptions;
  /** Id of the event behind which it goes on. */
  #place: number | undefined;

  constructor(connection: ControlConnection, options: FollowOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#place = options.after;
  }

  /** The messages of one connection. */
  async *once(): AsyncGenerator<FeedMessage, void, undefined> {
    const { only, actor, signal } = this.#options;
    const query = { after: this.#place, only: only?.join(','), actor };
    const response = await this.#connection.stream('events', query, { silence_ms: silence_ms_max, signal });
    const parser = new SentEventParser();
    response.setEncoding('utf8');
    try {
      for await (const text of response as AsyncIterable<string>) {
        for (const block of parser.take(text)) {
          const message = this.#take(block);
          if (message !== undefined) yield message;
        }
      }
    } catch (error) {
      throw error instanceof IcbdError ? error : this.#connection.failure(error as Error, signal);
    } finally {
      response.destroy();
    }
  }

  /** @returns undefined for a block that tells nothing, or nothing new */
  #take({ type, data, id }: SentEvent): FeedMessage | undefined {
    const event_id = id === '' ? undefined : Number(id);
    const is_known = event_id !== undefined && this.#place !== undefined && event_id <= this.#place;
    if (event_id !== undefined && !is_known) this.#place = event_id;
    if (data === '' || (type === 'event' && is_known)) return undefined;
    const message = { kind: type as FeedKind, data: JSON.parse(data) as unknown } as FeedMessage;
    if (message.kind === 'hello') {
      this.has_begun = true;
      this.#place ??= message.data.last_event_id;
    }
    if (message.kind === 'gap') this.#place = message.data.to;
    return message;
  }
}
