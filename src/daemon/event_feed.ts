/** Tells what happens on this node to all who follow it. */
import type { Clock } from '../core/clock.js';
import type { FeedChoice, FeedData, FeedHello, FeedProgress } from '../core/feed.js';
import type { ActorAddress, EventRecord } from '../core/records.js';
import type { Commit } from '../runtime/ports.js';
import { type PastEvents, catchUp } from './event_feed_catch_up.js';
import { type FeedOutput, FeedReader, type FeedWish, message } from './event_feed_reader.js';

/** Events wait so long for more of them, so that many at once cost one write to each reader, ms. */
const event_delay_ms = 25;
/** Reports of what has changed wait so long for the next change, ms. */
const report_delay_ms = 200;
const progress_interval_ms = 1_000;
/** A line comes at least so often, so that a broken connection is noticed, ms. */
const ping_interval_ms = 15_000;
/** Reports in one message at most. */
const reports_max = 200;

/** A report and what it is told as. */
export interface FeedReport {
  readonly kind: 'transfers' | 'replicas' | 'images';
  readonly report: unknown;
}

/** Where a feed has its news from. */
export interface FeedSource extends PastEvents {
  readonly hello: () => Omit<FeedHello, 'last_event_id'>;
  /** Calls back after each commit. */
  readonly subscribe: (subscriber: (commit: Pick<Commit, 'events' | 'parked'>) => void) => () => void;
  /** How an actor stands now; undefined if there is nothing to tell of it. */
  readonly report: (actor: ActorAddress) => Promise<FeedReport | undefined>;
  /** Of all that move. */
  readonly progress: () => readonly FeedProgress[];
  /** Kind of the actors that are told as `transfers`. */
  readonly transfer_kind: 'transfer' | 'reception';
}

const keyOf = ({ kind, id }: ActorAddress): string => `${kind}/${id}`;

/** Costs next to nothing while nobody follows it, and little for each follower: every message is made once. */
export class EventFeed {
  readonly #source: FeedSource;
  readonly #clock: Clock;
  readonly #readers = new Set<FeedReader>();
  readonly #cancels = new Map<string, () => void>();
  /** Committed, and not yet told. */
  #events: EventRecord[] = [];
  #changed = new Map<string, ActorAddress>();
  #is_reporting = false;
  #shown_progress = '';
  #unsubscribe: (() => void) | undefined;

  constructor(source: FeedSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** How many follow it now. */
  get reader_count(): number {
    return this.#readers.size;
  }

  /**
   * Tells `output` all that happens from now on, and before it what happened since the event `wish.after`.
   * @returns what ends it
   */
  open(output: FeedOutput, wish: FeedWish = {}): () => void {
    const actor = wish.actor?.replace(/^(transfer|reception)\//, `${this.#source.transfer_kind}/`);
    const last_event_id = this.#source.lastEventId();
    const reader = new FeedReader(output, { ...wish, actor }, last_event_id, () => this.#leave(reader));
    this.#readers.add(reader);
    this.#listen();
    reader.write(message('hello', { ...this.#source.hello(), last_event_id }));
    const { after } = wish;
    if (after === undefined || after === last_event_id) this.#begin(reader);
    else void this.#catchUp(reader, after);
    return () => reader.close();
  }

  /** Ends all readers. */
  close(): void {
    for (const reader of this.#readers) {
      reader.output.end();
      this.#leave(reader);
    }
  }

  #listen(): void {
    if (this.#unsubscribe !== undefined) return;
    this.#unsubscribe = this.#source.subscribe((commit) => this.#take(commit));
    this.#every('ping', ping_interval_ms, () => this.#ping());
    this.#every('progress', progress_interval_ms, () => this.#tellProgress());
  }

  #leave(reader: FeedReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
    this.#events = [];
    this.#changed.clear();
  }

  /** @param name one timer of a name runs at a time */
  #after(name: string, delay_ms: number, work: () => void): void {
    if (this.#cancels.has(name)) return;
    const cancel = this.#clock.after(delay_ms, () => {
      this.#cancels.delete(name);
      work();
    });
    this.#cancels.set(name, cancel);
  }

  #every(name: string, interval_ms: number, work: () => void): void {
    this.#after(name, interval_ms, () => {
      work();
      if (this.#readers.size > 0) this.#every(name, interval_ms, work);
    });
  }

  #take({ events, parked }: Pick<Commit, 'events' | 'parked'>): void {
    for (const actor of [...events, ...parked]) {
      this.#changed.set(keyOf(actor), { kind: actor.kind, id: actor.id });
    }
    this.#events.push(...events);
    this.#after('events', event_delay_ms, () => this.#tellEvents());
    this.#after('reports', report_delay_ms, () => void this.#tellReports());
  }

  /** From now on it is told all that is committed. */
  #begin(reader: FeedReader): void {
    this.#tellEvents();
    reader.cursor = this.#source.lastEventId();
    reader.is_live = true;
  }

  async #catchUp(reader: FeedReader, after: number): Promise<void> {
    try {
      const changed = await catchUp(this.#source, reader, after, () => this.#begin(reader));
      await this.#report(changed, [reader]);
    } catch {
      // The database cannot be read, or closes: it comes again, or finds nobody.
      reader.output.cut();
      reader.close();
    }
  }

  #tellEvents(): void {
    const events = this.#events;
    const last_id = events.at(-1)?.event_id;
    if (last_id === undefined) return;
    this.#events = [];
    const texts = new Map<EventRecord, string>();
    const buffers = new Map<string, Buffer>();
    for (const reader of this.#live()) {
      const first = events.findIndex(({ event_id }) => event_id > reader.cursor);
      if (first !== -1 && reader.wants('event')) {
        const bytes = once(buffers, `${first} ${reader.wish.actor ?? ''}`, () => {
          const wanted = events.slice(first).filter((event) => reader.wantsActor(keyOf(event)));
          return Buffer.from(wanted.map((event) => once(texts, event, () => eventText(event))).join(''));
        });
        if (bytes.length > 0) reader.write(bytes);
      }
      reader.cursor = Math.max(reader.cursor, last_id);
    }
  }

  async #tellReports(): Promise<void> {
    // Those that change meanwhile are told with the next.
    if (this.#is_reporting) return this.#after('reports', report_delay_ms, () => void this.#tellReports());
    const changed = [...this.#changed.values()];
    this.#changed.clear();
    this.#tellEvents();
    this.#is_reporting = true;
    try {
      await this.#report(changed, this.#live());
    } finally {
      this.#is_reporting = false;
    }
  }

  /** Tells how these actors stand now. */
  async #report(actors: readonly ActorAddress[], readers: readonly FeedReader[]): Promise<void> {
    for (let begin = 0; begin < actors.length; begin += reports_max) {
      const some = actors.slice(begin, begin + reports_max);
      const found = await Promise.all(some.map((actor) => this.#reportOf(actor)));
      for (const kind of ['transfers', 'replicas', 'images'] as const) {
        const of_kind = found.filter((one) => one !== undefined && one.kind === kind) as Reported[];
        tell(kind, of_kind, readers);
      }
    }
    // What they would be told from if they began again now.
    for (const reader of readers) if (!reader.wants('event')) reader.writePlace();
  }

  async #reportOf(actor: ActorAddress): Promise<Reported | undefined> {
    try {
      const found = await this.#source.report(actor);
      return found === undefined ? undefined : { ...found, key: keyOf(actor) };
    } catch {
      // It is gone: whoever wants to know asks for it, and is told so.
      return undefined;
    }
  }

  #tellProgress(): void {
    const readers = this.#live().filter((reader) => reader.wants('progress'));
    if (readers.length === 0) return;
    const moving = this.#source.progress();
    const now = JSON.stringify(moving);
    if (now === this.#shown_progress) return;
    this.#shown_progress = now;
    const kind = this.#source.transfer_kind;
    const reported = moving.map(
      (one) => ({ kind: 'progress', report: one, key: `${kind}/${one.id}` }) as const,
    );
    tell('progress', reported, readers);
  }

  #ping(): void {
    for (const reader of this.#readers) reader.writePlace(': ping\n');
  }

  #live(): FeedReader[] {
    return [...this.#readers].filter(({ is_live }) => is_live);
  }
}

interface Reported {
  readonly kind: Exclude<FeedChoice, 'event'>;
  readonly report: unknown;
  readonly key: string;
}

const eventText = (event: EventRecord): string => message('event', event, event.event_id);

/** Tells one list to all readers who want it, each the part that it wants. */
function tell(kind: Reported['kind'], reported: readonly Reported[], readers: readonly FeedReader[]): void {
  if (reported.length === 0) return;
  const buffers = new Map<string, Buffer>();
  for (const reader of readers) {
    if (!reader.wants(kind)) continue;
    const bytes = once(buffers, reader.wish.actor ?? '', () => {
      const wanted = reported.filter(({ key }) => reader.wantsActor(key)).map(({ report }) => report);
      // What a source reports is what its kind says.
      return Buffer.from(wanted.length === 0 ? '' : message(kind, wanted as FeedData[typeof kind]));
    });
    if (bytes.length > 0) reader.write(bytes);
  }
}

function once<K, V>(made: Map<K, V>, key: K, make: () => V): V {
  const known = made.get(key);
  if (known !== undefined) return known;
  const value = make();
  made.set(key, value);
  return value;
}
