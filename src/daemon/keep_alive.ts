import type { KeepAliveEvent } from '../actors/replica.js';
import { spreadOf } from '../core/backoff.js';
import type { Clock } from '../core/clock.js';
import { type ErrorCode, IcbdError } from '../core/errors.js';
import type { ControlLink, LivenessRhythm } from '../core/link.js';

/** Longest wait for the answer to one keep-alive, ms. */
const answer_ms_max = 10_000;
/** The link's own watch, which knows less of what happened, is to speak only if the keep-alives do not. */
const spare_misses = 2;

export interface KeepAliveOptions {
  readonly clock: Clock;
  readonly interval_ms: number;
  /** Misses in a row that end a link. */
  readonly tries: number;
  /** `ping`: the peer's daemon has to answer. `connection`: its end of the connection has to. */
  readonly mode: 'ping' | 'connection';
  /** Told of changes only: the first answer on a link, the first miss after an answer, and so on. */
  readonly onChange: (node: string, event: KeepAliveEvent) => void;
}

/** What the keep-alives on the link that is up say of its node. */
export interface KeepAliveReport {
  /** Unix ms; null: none was answered on this link. */
  readonly last_answer_at_ms: number | null;
  /** Of the last answer, ms; null: unknown. */
  readonly round_trip_ms: number | null;
  /** Keep-alives in a row without an answer. */
  readonly missed: number;
}

/** The errors with which this side gives a keep-alive up; any other is an answer, if not a friendly one. */
const no_answer = new Set<ErrorCode>(['TimedOut', 'LinkLost', 'Cancelled']);

const inSeconds = (duration_ms: number): string => `${Number((duration_ms / 1_000).toFixed(1))} s`;
const keepAlives = (count: number): string => (count === 1 ? 'a keep-alive' : `${count} keep-alives`);

/** How a node that is asked this often is to watch its own end of the link. */
export function rhythmOf({ interval_ms, tries }: { interval_ms: number; tries: number }): LivenessRhythm {
  return { interval_ms, missed_max: tries };
}

/** One link that is watched. */
class Watch {
  readonly link: ControlLink;
  missed = 0;
  last_answer_at_ms: number | null = null;
  round_trip_ms: number | null = null;
  readonly #options: KeepAliveOptions;
  readonly #answer_ms: number;
  #first_missed_at_ms = 0;
  /** When the next keep-alive is due, unix ms. */
  #due_ms: number;
  #was_late = false;
  #is_over = false;
  #cancel: () => void = () => undefined;

  constructor(link: ControlLink, options: KeepAliveOptions) {
    const { clock, interval_ms } = options;
    this.link = link;
    this.#options = options;
    this.#answer_ms = Math.min(interval_ms, answer_ms_max);
    // The second one comes at a time of the node's own, so that many nodes that came together part again.
    this.#due_ms = clock.now() - interval_ms + Math.ceil(interval_ms * spreadOf(link.peer.node));
  }

  stop(): void {
    this.#is_over = true;
    this.#cancel();
  }

  /** Sends a keep-alive, and goes on with the next one when it is answered or given up. Never rejects. */
  async beat(): Promise<void> {
    const { clock, interval_ms } = this.#options;
    const asked_ms = clock.now();
    try {
      const round_trip_ms = await this.#ask();
      if (this.#is_over) return;
      this.#noteAnswer(round_trip_ms);
    } catch (thrown) {
      if (this.#is_over) return;
      this.#noteSilence(IcbdError.from(thrown, 'keep-alive', this.link.peer.node), asked_ms);
    }
    if (this.#is_over) return;
    const now_ms = clock.now();
    this.#due_ms = Math.max(this.#due_ms + interval_ms, now_ms);
    // A clock that was set back must not end the keep-alives.
    if (this.#due_ms > now_ms + interval_ms) this.#due_ms = now_ms + interval_ms;
    this.#cancel = clock.after(this.#due_ms - now_ms, () => void this.beat());
  }

  async #ask(): Promise<number | null> {
    const { clock, mode } = this.#options;
    const timeout_ms = this.#answer_ms;
    // The first one on a link is always the daemon's to answer: it also tells the node how often it will be asked.
    if (mode === 'connection' && this.last_answer_at_ms !== null) return this.link.ping({ timeout_ms });
    const asked_ms = clock.now();
    try {
      await this.link.request({ method: 'ping', params: rhythmOf(this.#options) }, { timeout_ms });
    } catch (thrown) {
      if (no_answer.has(IcbdError.from(thrown, 'keep-alive').code)) throw thrown;
    }
    return Math.max(0, clock.now() - asked_ms);
  }

  #noteAnswer(round_trip_ms: number | null): void {
    const is_change = this.last_answer_at_ms === null || this.missed > 0;
    this.last_answer_at_ms = this.#options.clock.now();
    this.round_trip_ms = round_trip_ms;
    this.missed = 0;
    this.#was_late = false;
    if (is_change) {
      this.#tell({ type: 'keepalive.answered', session: this.link.session, round_trip_ms });
    }
  }

  #noteSilence(reason: IcbdError, asked_ms: number): void {
    const { clock, tries } = this.#options;
    const now_ms = clock.now();
    // The link's end, which its owner is told of.
    if (reason.code !== 'TimedOut') return;
    // It was this process that stood still, and an answer may wait to be read: that proves nothing, once.
    const is_late = now_ms - asked_ms > this.#answer_ms * 1.5 + 500;
    if (is_late && !this.#was_late) {
      this.#was_late = true;
      return;
    }
    this.#was_late = false;
    this.missed += 1;
    if (this.missed === 1) {
      this.#first_missed_at_ms = asked_ms;
      this.#tell({
        type: 'keepalive.missed',
        session: this.link.session,
        tries: 1,
        reason: this.#describe(now_ms),
      });
    }
    if (this.missed < tries || this.#is_over) return;
    this.stop();
    this.link.close(
      new IcbdError('LinkLost', this.#describe(now_ms), {
        operation: 'keep-alive',
        subject: this.link.peer.node,
        hint: 'the node hangs, or the network drops what is sent: look at both',
      }).toReport(),
    );
  }

  #describe(now_ms: number): string {
    const silent = `no answer to ${keepAlives(this.missed)} over ${inSeconds(now_ms - this.#first_missed_at_ms)}`;
    const last =
      this.last_answer_at_ms === null
        ? 'none was answered on this link'
        : `the last answer came ${inSeconds(now_ms - this.last_answer_at_ms)} ago`;
    return `${silent}; ${last}`;
  }

  /** What cannot be noted ends the link: the actor would believe something else than the watch. */
  #tell(event: KeepAliveEvent): void {
    try {
      this.#options.onChange(this.link.peer.node, event);
    } catch (thrown) {
      this.stop();
      this.link.close(IcbdError.from(thrown, 'keep-alive', this.link.peer.node).toReport());
    }
  }
}

/**
 * Asks every node whose link is up, again and again, whether it is still there.
 *
 * The first keep-alive goes out at once, the second at a moment of the node's own within the interval, and each
 * further one an interval later, or when the one before is given up. `tries` in a row without an answer close the
 * link. A node whose process hangs answers in neither mode. In the mode `connection`, bytes of any kind count as
 * an answer; in the mode `ping`, only what the node's daemon answers.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  readonly #watches = new Map<string, Watch>();

  constructor(options: KeepAliveOptions) {
    this.#options = options;
  }

  /** A link came up. */
  attach(link: ControlLink): void {
    const { interval_ms, tries } = this.#options;
    const { node } = link.peer;
    this.#watches.get(node)?.stop();
    link.setRhythm({ interval_ms: Math.max(interval_ms, answer_ms_max), missed_max: tries + spare_misses });
    const watch = new Watch(link, this.#options);
    this.#watches.set(node, watch);
    void watch.beat();
  }

  /** A link went down. */
  detach(link: ControlLink): void {
    const watch = this.#watches.get(link.peer.node);
    if (watch?.link !== link) return;
    watch.stop();
    this.#watches.delete(link.peer.node);
  }

  /** Undefined for a node without a link. */
  report(node: string): KeepAliveReport | undefined {
    const watch = this.#watches.get(node);
    if (watch === undefined) return undefined;
    const { last_answer_at_ms, round_trip_ms, missed } = watch;
    return { last_answer_at_ms, round_trip_ms, missed };
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.stop();
    this.#watches.clear();
  }
}
