/** The names as they must be, and the check of every answer against them. */
import type { NameReport } from '../../src/core/name_report.js';
import { name_of_name_server } from '../../src/core/name_service.js';
import { type Content, ContestedName, OwnedName, type Possible, type Span } from './truth.js';

/** An answer that cannot be. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
  readonly client: string;
  readonly call: string;
  readonly expected: string;
  readonly got: string;

  constructor(client: string, call: string, expected: string, got: string) {
    super(`${client} called ${call}: expected ${expected}, got ${got}`);
    this.client = client;
    this.call = call;
    this.expected = expected;
    this.got = got;
  }
}

/** An expression and what it means, for names that JavaScript's own can be trusted with. */
export type Matches = (content: Content) => boolean;

const sameWords = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((word, index) => word === b[index]);

/** Whether a report says what was registered, and agrees with itself. */
export function tells(report: NameReport, content: Content): boolean {
  const { renewed_at_ms, registered_at_ms, expires_at_ms, lease_s } = report;
  // A new start of the name server gives more time to what nobody has renewed.
  const has_full_lease =
    lease_s === null ? expires_at_ms === null : (expires_at_ms ?? 0) >= renewed_at_ms + lease_s * 1_000;
  return (
    report.name === content.name &&
    report.address === content.address &&
    report.owner === content.owner &&
    lease_s === content.lease_s &&
    sameWords(report.metadata, content.metadata) &&
    has_full_lease &&
    registered_at_ms <= renewed_at_ms &&
    report.state === 'reachable'
  );
}

export const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 600 ? `${text.slice(0, 600)}...` : text;
};

export class Model {
  readonly #server_entry: Content;
  readonly #names = new Map<string, OwnedName | ContestedName>();
  /** Start of the call that each client has under way. */
  readonly #under_way = new Map<string, number>();
  #ticks = 0;

  /** @param server_entry as it was before anything began */
  constructor(server_entry: Content) {
    this.#server_entry = server_entry;
  }

  /** Begins a call. */
  begin(client: string): number {
    this.#ticks += 1;
    this.#under_way.set(client, this.#ticks);
    return this.#ticks;
  }

  /** Its answer is here. */
  end(client: string): Span {
    const start = this.#under_way.get(client) ?? 0;
    this.#under_way.delete(client);
    this.#ticks += 1;
    return { start, end: this.#ticks };
  }

  owned(name: string): OwnedName {
    return this.#get(name, OwnedName, () => new OwnedName());
  }

  contested(name: string): ContestedName {
    return this.#get(name, ContestedName, () => new ContestedName());
  }

  possible(name: string, span: Span): Possible {
    return this.#names.get(name)?.possible(span) ?? { absent: true, contents: [] };
  }

  /** What is wrong with a list; undefined if nothing is. */
  faultOfList(answer: readonly NameReport[], matches: Matches, span: Span): [string, string] | undefined {
    const listed = new Map(answer.map((report) => [report.name, report]));
    // All names here are ASCII: in the order of their characters is in the order of their bytes.
    const disorder = answer.findIndex(
      ({ name }, index) => index > 0 && (answer[index - 1]?.name ?? '') >= name,
    );
    if (disorder !== -1) return ['every name once, in order', show(answer[disorder]?.name)];
    const server = listed.get(name_of_name_server);
    if ((server !== undefined) !== matches(this.#server_entry)) {
      return [`the server's own entry if it matches`, show(server)];
    }
    for (const report of answer) {
      if (report === server ? tells(report, this.#server_entry) : this.#names.has(report.name)) continue;
      return ['no name that nobody registered', show(report)];
    }
    for (const [name, truth] of this.#names) {
      const fault = faultOfEntry(listed.get(name), truth.possible(span), matches);
      if (fault !== undefined) return [`${name} as ${fault}`, show(listed.get(name))];
    }
    return undefined;
  }

  /** Forgets of a name what no call can find any more. */
  forget(name: string): void {
    let oldest = this.#ticks;
    for (const start of this.#under_way.values()) oldest = Math.min(oldest, start);
    this.#names.get(name)?.forget(oldest);
  }

  #get<T extends OwnedName | ContestedName>(name: string, kind: new () => T, make: () => T): T {
    const known = this.#names.get(name);
    if (known instanceof kind) return known;
    const made = make();
    this.#names.set(name, made);
    return made;
  }
}

function faultOfEntry(
  report: NameReport | undefined,
  { absent, contents }: Possible,
  matches: Matches,
): string | undefined {
  if (report === undefined) {
    const may_be_missing = absent || contents.some((content) => !matches(content));
    return may_be_missing ? undefined : `one of ${show(contents)}`;
  }
  if (contents.some((content) => tells(report, content) && matches(content))) return undefined;
  return contents.length === 0 ? 'not there' : `one of ${show(contents.filter(matches))}, or not there`;
}
