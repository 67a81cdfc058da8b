import { type FeedChoice, type FeedData, type FeedKind, feed_choices } from '../core/feed.js';

/** Bytes that may wait for one reader; one that is slower than that has to come again. */
const waiting_bytes_max = 8 * 1024 * 1024;

/** Where a reader's messages go. */
export interface FeedOutput {
  readonly write: (bytes: Buffer) => void;
  /** Bytes that were written and that the other end has not taken yet. */
  readonly waitingBytes: () => number;
  /** Resolves when few wait, or when it has ended. */
  readonly drained: () => Promise<void>;
  /** No more comes. */
  readonly end: () => void;
  /** Drops the connection, and what waits. */
  readonly cut: () => void;
}

/** What a reader wants to hear. */
export interface FeedWish {
  /** Also what happened since the event of this id; default: only what happens from now on. */
  readonly after?: number | undefined;
  /** Default: all kinds. */
  readonly only?: readonly FeedChoice[] | undefined;
  /** Only of this actor, for example `transfer/17-3fa9`. */
  readonly actor?: string | undefined;
}

/** One message as it stands in a stream of server-sent events. */
export function message<K extends FeedKind>(kind: K, data: FeedData[K], event_id?: number): string {
  const id = event_id === undefined ? '' : `id: ${event_id}\n`;
  return `${id}event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** One that follows an event feed. */
export class FeedReader {
  readonly wish: FeedWish;
  readonly output: FeedOutput;
  /** It has been told, or did not want to be told, all events up to this one. */
  cursor: number;
  /** Whether it is told what is committed; if not, it reads what it has missed. */
  is_live = false;
  #is_open = true;
  readonly #kinds: ReadonlySet<FeedChoice>;
  readonly #onClose: () => void;

  constructor(output: FeedOutput, wish: FeedWish, cursor: number, onClose: () => void) {
    this.output = output;
    this.wish = wish;
    this.cursor = cursor;
    this.#kinds = new Set(wish.only ?? feed_choices);
    this.#onClose = onClose;
  }

  get is_open(): boolean {
    return this.#is_open;
  }

  wants(kind: FeedChoice): boolean {
    return this.#kinds.has(kind);
  }

  /** @param actor `kind/id` */
  wantsActor(actor: string): boolean {
    return this.wish.actor === undefined || this.wish.actor === actor;
  }

  write(text: string | Buffer): void {
    if (!this.#is_open) return;
    this.output.write(typeof text === 'string' ? Buffer.from(text) : text);
    if (this.output.waitingBytes() <= waiting_bytes_max) return;
    this.output.cut();
    this.close();
  }

  /**
   * Shows that the connection stands, and moves the place from which the reader goes on when it comes again: an id
   * alone is no message.
   */
  writePlace(comment = ''): void {
    this.write(this.is_live ? `${comment}id: ${this.cursor}\n\n` : `${comment}\n`);
  }

  /** It is told nothing more. */
  close(): void {
    if (!this.#is_open) return;
    this.#is_open = false;
    this.#onClose();
  }
}
