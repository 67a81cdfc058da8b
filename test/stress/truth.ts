/** What must be, may be, and cannot be registered at a time, as far as the answers so far tell. */
import type { NameReport } from '../../src/core/name_report.js';

/** What of a registration its owner decides. */
export type Content = Pick<NameReport, 'name' | 'address' | 'metadata' | 'owner' | 'lease_s'>;

/** From just before a call was sent until just after its answer came, in ticks of the model. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a call may have found, at whatever moment of its span it was answered. */
export interface Possible {
  readonly absent: boolean;
  readonly contents: readonly Content[];
}

interface Version {
  /** Undefined: not registered. */
  readonly content: Content | undefined;
  /** Of the call that brought it; what it did became true at some moment between. */
  readonly start: number;
  end: number;
}

/** A name that one client changes, one call after the other. */
export class OwnedName {
  #versions: Version[] = [{ content: undefined, start: 0, end: 0 }];

  /**
   * A call that changes it is sent.
   * @returns call it with the tick of the answer
   */
  change(content: Content | undefined, start: number): (end: number) => void {
    const version: Version = { content, start, end: Number.POSITIVE_INFINITY };
    this.#versions.push(version);
    return (end) => {
      version.end = end;
    };
  }

  possible(span: Span): Possible {
    const found = this.#versions.filter((version, index) => {
      const replaced_at = this.#versions[index + 1]?.end ?? Number.POSITIVE_INFINITY;
      return version.start < span.end && replaced_at > span.start;
    });
    return {
      absent: found.some(({ content }) => content === undefined),
      contents: found.flatMap(({ content }) => content ?? []),
    };
  }

  /** Forgets what no call that starts at `tick` or later can find. */
  forget(tick: number): void {
    const first = this.#versions.findLastIndex((version) => version.end <= tick);
    if (first > 0) this.#versions = this.#versions.slice(first);
  }
}

/** From the registration to the removal, each with the span of its call; infinite: not answered or not sent yet. */
interface Hold {
  readonly content: Content;
  readonly taken: { readonly start: number; end: number };
  readonly released: { start: number; end: number };
}

const never = Number.POSITIVE_INFINITY;

/** A name that many clients want and nobody overwrites: whoever registers it holds it until it removes it. */
export class ContestedName {
  #holds: Hold[] = [];

  /** A safe registration is sent. */
  want(content: Content, start: number): Hold {
    const hold = { content, taken: { start, end: never }, released: { start: never, end: never } };
    this.#holds.push(hold);
    return hold;
  }

  /** The registration was refused. */
  drop(hold: Hold): void {
    this.#holds = this.#holds.filter((other) => other !== hold);
  }

  /** Whether it could have been free for this registration to succeed. */
  mayHaveWon(hold: Hold, { start, end }: Span): boolean {
    return !this.#others(hold).some(({ taken, released }) => taken.end <= start && released.start >= end);
  }

  /** Whether somebody else could have held it. */
  mayHaveLost(hold: Hold, { start, end }: Span): boolean {
    return this.#others(hold).some(({ taken, released }) => taken.start < end && released.end > start);
  }

  possible({ start, end }: Span): Possible {
    const holds = this.#holds.filter(({ taken, released }) => taken.start < end && released.end > start);
    return {
      absent: !holds.some(({ taken, released }) => taken.end <= start && released.start >= end),
      contents: holds.map(({ content }) => content),
    };
  }

  forget(tick: number): void {
    this.#holds = this.#holds.filter(({ released }) => released.end > tick);
  }

  #others(hold: Hold): Hold[] {
    return this.#holds.filter((other) => other !== hold);
  }
}

export type { Hold };
