/** One node that asks a name server for this and that, one call after the other, and checks every answer. */
import { performance } from 'node:perf_hooks';
import { IcbdError } from '../../src/core/errors.js';
import type { NameReport } from '../../src/core/name_report.js';
import { type NameService, name_of_master, name_of_name_server } from '../../src/core/name_service.js';
import type { Random } from '../support/random.js';
import {
  type Asking,
  byExpression,
  byMetadata,
  byPrefix,
  catastrophes,
  everything,
  someWords,
} from './filters.js';
import { type Model, WrongAnswer, show, tells } from './model.js';
import type { Rates } from './rates.js';
import type { Content, Hold, Span } from './truth.js';

/** Names that each client changes. */
const own_names = 10;
/** Names that all clients want. */
export const shared_names = 6;

export interface StressClientOptions {
  readonly name: string;
  /** Names of all clients. */
  readonly clients: readonly string[];
  readonly names: NameService;
  readonly model: Model;
  readonly rates: Rates;
  readonly random: Random;
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

interface Asked<T> {
  readonly text: string;
  readonly span: Span;
  /** Undefined if it was refused. */
  readonly answer: T | undefined;
  /** Of the refusal. */
  readonly code: string | undefined;
  readonly got: () => string;
}

export class StressClient {
  readonly #options: StressClientOptions;
  /** What is registered for this client: nobody else changes it. */
  readonly #mine = new Map<string, Content>();
  readonly #holds = new Map<string, Hold>();
  readonly #kinds: readonly (readonly [weight: number, call: () => Promise<void>])[];
  readonly #weights: number;

  constructor(options: StressClientOptions) {
    this.#options = options;
    const { random, name } = options;
    this.#kinds = [
      [14, () => this.#register(this.#ownName(), false)],
      [8, () => this.#register(this.#ownName(), true)],
      [8, () => this.#contend(this.#sharedName())],
      [6, () => this.#release([...this.#holds.keys()][0] ?? this.#sharedName())],
      [8, () => this.#remove(this.#ownName())],
      [2, () => this.#removeMany('prefix')],
      [2, () => this.#removeMany('regex')],
      [3, () => this.#meddle(this.#foreignName())],
      [6, () => this.#setMetadata(this.#ownName())],
      [20, () => this.#lookup(random.pick([this.#ownName(), this.#foreignName(), this.#sharedName()]))],
      [2, () => this.#list('list', everything)],
      [8, () => this.#list('list prefix', byPrefix(random, name))],
      [6, () => this.#list('list regex', byExpression(random, name))],
      [4, () => this.#list('list metadata', byMetadata(random, name))],
      [4, () => this.#renew()],
      [2, () => this.#ping()],
      [2, () => this.#askWhatIsRefused()],
    ];
    this.#weights = this.#kinds.reduce((sum, [weight]) => sum + weight, 0);
  }

  get name(): string {
    return this.#options.name;
  }

  /** Registers names that stay. */
  async addFixed(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) await this.#register(`fixed.${this.name}.${index}`, true);
  }

  /**
   * Makes one call that the seed chooses.
   * @throws WrongAnswer
   */
  async step(): Promise<void> {
    let left = this.#options.random.next() * this.#weights;
    for (const [weight, call] of this.#kinds) {
      left -= weight;
      if (left < 0) return call();
    }
  }

  #ownName(): string {
    return `stress.${this.name}.${this.#options.random.between(0, own_names - 1)}`;
  }

  #sharedName(): string {
    return `stress.shared.${this.#options.random.between(0, shared_names - 1)}`;
  }

  #foreignName(): string {
    const { random, clients } = this.#options;
    const others = clients.filter((client) => client !== this.name);
    return `stress.${random.pick(others)}.${random.between(0, own_names - 1)}`;
  }

  #content(name: string): Content {
    const { random } = this.#options;
    return {
      name,
      address: `ws://10.0.${random.between(0, 255)}.${random.between(0, 255)}:${random.between(1, 65_535)}`,
      metadata: someWords(random, 4),
      owner: this.name,
      lease_s: random.pick([null, 3_600]),
    };
  }

  async #ask<T>(kind: string, text: string, work: () => Promise<T>): Promise<Asked<T>> {
    const { model, rates } = this.#options;
    const started_ms = performance.now();
    let answer: T | undefined;
    let error: IcbdError | undefined;
    try {
      answer = await work();
    } catch (thrown) {
      error = IcbdError.from(thrown, text);
    }
    rates.add(kind, performance.now() - started_ms);
    const span = model.end(this.name);
    const got = (): string => (error === undefined ? show(answer) : `${error.code}: ${error.message}`);
    return { text, span, answer, code: error?.code, got };
  }

  #wrong({ text, got }: Asked<unknown>, expected: string): never {
    throw new WrongAnswer(this.name, text, expected, got());
  }

  #expectCode(asked: Asked<unknown>, code: string): void {
    if (asked.code !== code) this.#wrong(asked, code);
  }

  #expectReport(asked: Asked<NameReport>, content: Content): void {
    if (asked.answer === undefined || !tells(asked.answer, content)) this.#wrong(asked, show(content));
  }

  async #register(name: string, safe: boolean): Promise<void> {
    const { model, names } = this.#options;
    const { owner: _owner, ...registration } = this.#content(name);
    const content = { ...registration, owner: this.name };
    const is_refused = safe && this.#mine.has(name);
    const start = model.begin(this.name);
    const done = is_refused ? undefined : model.owned(name).change(content, start);
    const text = `register ${show({ ...registration, safe })}`;
    const asked = await this.#ask(safe ? 'register safe' : 'register', text, () =>
      names.register({ ...registration, safe }),
    );
    if (done === undefined) return this.#expectCode(asked, 'NameAlreadyRegistered');
    this.#expectReport(asked, content);
    done(asked.span.end);
    model.forget(name);
    this.#mine.set(name, content);
  }

  async #contend(name: string): Promise<void> {
    const { model, names } = this.#options;
    const content = this.#content(name);
    const { owner: _owner, ...registration } = content;
    const start = model.begin(this.name);
    const contested = model.contested(name);
    const hold = this.#mine.has(name) ? undefined : contested.want(content, start);
    const asked = await this.#ask('register shared', `register ${show(registration)} safe`, () =>
      names.register({ ...registration, safe: true }),
    );
    if (hold === undefined) return this.#expectCode(asked, 'NameAlreadyRegistered');
    if (asked.answer === undefined) {
      this.#expectCode(asked, 'NameAlreadyRegistered');
      if (!contested.mayHaveLost(hold, asked.span)) this.#wrong(asked, 'success, for nobody has it');
      contested.drop(hold);
      return;
    }
    this.#expectReport(asked, content);
    if (!contested.mayHaveWon(hold, asked.span)) this.#wrong(asked, 'NameAlreadyRegistered, for it is taken');
    hold.taken.end = asked.span.end;
    model.forget(name);
    this.#mine.set(name, content);
    this.#holds.set(name, hold);
  }

  async #release(name: string): Promise<void> {
    if (this.#mine.has(name)) await this.#removeMine('remove shared', { name }, [name]);
    else await this.#meddle(name);
  }

  async #remove(name: string): Promise<void> {
    const { model, names } = this.#options;
    if (this.#mine.has(name)) return this.#removeMine('remove', { name }, [name]);
    model.begin(this.name);
    const asked = await this.#ask('remove', `remove ${name}`, () => names.remove({ name }));
    this.#expectCode(asked, 'NameNotFound');
  }

  async #removeMany(by: 'prefix' | 'regex'): Promise<void> {
    const { random } = this.#options;
    const from = random.between(0, 9);
    const to = random.between(from, 9);
    // The last of each is for all names that there are: only those of this client may go.
    const text =
      by === 'prefix'
        ? random.pick([`stress.${this.name}.`, `stress.${this.name}.${from}`, 'stress.nobody', 'stress.'])
        : random.pick([`stress\\.${this.name}\\.[${from}-${to}]$`, 'stress\\..*[02468]$']);
    const same = by === 'prefix' ? undefined : new RegExp(`^(?:${text})`);
    const wanted = [...this.#mine.keys()].filter((name) => same?.test(name) ?? name.startsWith(text));
    await this.#removeMine(`remove ${by}`, { [by]: text }, wanted.toSorted());
  }

  async #removeMine(kind: string, removal: object, wanted: readonly string[]): Promise<void> {
    const { model, names } = this.#options;
    const start = model.begin(this.name);
    const done = wanted.map((name) => {
      const hold = this.#holds.get(name);
      if (hold === undefined) return model.owned(name).change(undefined, start);
      hold.released.start = start;
      return (end: number) => {
        hold.released.end = end;
      };
    });
    const asked = await this.#ask(kind, `remove ${show(removal)}`, () => names.remove(removal));
    const expected = { removed: wanted.length, names: wanted };
    if (!isSame(asked.answer, expected)) this.#wrong(asked, show(expected));
    for (const end of done) end(asked.span.end);
    for (const name of wanted) {
      model.forget(name);
      this.#mine.delete(name);
      this.#holds.delete(name);
    }
  }

  /** Tries to change what belongs to somebody else, or to nobody. */
  async #meddle(name: string): Promise<void> {
    const { model, names, random } = this.#options;
    const removes = random.next() < 0.5;
    model.begin(this.name);
    const text = `${removes ? 'remove' : 'set metadata of'} ${name}`;
    const asked = await this.#ask<unknown>('meddle', text, () =>
      removes ? names.remove({ name }) : names.setMetadata(name, ['stolen']),
    );
    const { absent, contents } = model.possible(name, asked.span);
    const expected = [...(absent ? ['NameNotFound'] : []), ...(contents.length > 0 ? ['NotPermitted'] : [])];
    if (!expected.includes(asked.code ?? '')) this.#wrong(asked, expected.join(' or '));
  }

  async #setMetadata(name: string): Promise<void> {
    const { model, names, random } = this.#options;
    const known = this.#mine.get(name);
    const metadata = someWords(random, 4);
    const content = known === undefined ? undefined : { ...known, metadata };
    const start = model.begin(this.name);
    const done = content === undefined ? undefined : model.owned(name).change(content, start);
    const asked = await this.#ask('set metadata', `set metadata of ${name} to ${show(metadata)}`, () =>
      names.setMetadata(name, metadata),
    );
    if (content === undefined || done === undefined) return this.#expectCode(asked, 'NameNotFound');
    this.#expectReport(asked, content);
    done(asked.span.end);
    model.forget(name);
    this.#mine.set(name, content);
  }

  async #lookup(name: string): Promise<void> {
    const { model, names } = this.#options;
    model.begin(this.name);
    const asked = await this.#ask('lookup', `lookup ${name}`, () => names.lookup(name));
    const { absent, contents } = model.possible(name, asked.span);
    const { answer } = asked;
    const is_right =
      answer === undefined
        ? absent && asked.code === 'NameNotFound'
        : contents.some((content) => tells(answer, content));
    if (!is_right) this.#wrong(asked, `${show(contents)}${absent ? ' or NameNotFound' : ''}`);
  }

  async #list(kind: string, { filter, matches }: Asking): Promise<void> {
    const { model, names } = this.#options;
    model.begin(this.name);
    const asked = await this.#ask(kind, `list ${show(filter)}`, () => names.list(filter));
    if (asked.answer === undefined) return this.#wrong(asked, 'a list');
    const fault = model.faultOfList(asked.answer, matches, asked.span);
    if (fault !== undefined) this.#wrong({ ...asked, got: () => fault[1] }, fault[0]);
  }

  async #renew(): Promise<void> {
    const { model, names } = this.#options;
    model.begin(this.name);
    const asked = await this.#ask('renew', 'renew', () => names.renew());
    const leased = [...this.#mine.values()].filter(({ lease_s }) => lease_s !== null);
    const expected = { renewed: leased.map(({ name }) => name).toSorted() };
    if (!isSame(asked.answer, expected)) this.#wrong(asked, show(expected));
  }

  async #ping(): Promise<void> {
    const { model, names } = this.#options;
    model.begin(this.name);
    const asked = await this.#ask('ping', 'ping', () => names.ping());
    const count = asked.answer?.names ?? 0;
    if (count <= this.#mine.size) this.#wrong(asked, `more than ${this.#mine.size} names`);
  }

  async #askWhatIsRefused(): Promise<void> {
    const { model, names, random } = this.#options;
    const address = 'ws://10.0.0.1:1';
    const [text, code, work] = random.pick<[string, string | undefined, () => Promise<unknown>]>([
      ['list by a bad expression', 'InvalidArgument', () => names.list({ regex: '(s' })],
      ['list by two filters', 'InvalidArgument', () => names.list({ regex: 's', prefix: 's' })],
      ['list by a catastrophe', undefined, () => names.list({ regex: random.pick(catastrophes) })],
      ['remove nothing', 'InvalidArgument', () => names.remove({})],
      ['register two words', 'InvalidArgument', () => names.register({ name: 'two words', address })],
      ['register as master', 'NotPermitted', () => names.register({ name: name_of_master, address })],
      ['replace the server', 'NotPermitted', () => names.register({ name: name_of_name_server, address })],
      ['remove the server', 'NotPermitted', () => names.remove({ name: name_of_name_server })],
      [
        'say who is reachable',
        'NotPermitted',
        () => names.report({ name: this.#sharedName(), state: 'unreachable', reason: 'x' }),
      ],
    ]);
    model.begin(this.name);
    const asked = await this.#ask('refused', text, work);
    if (asked.code !== code) this.#wrong(asked, code ?? 'an empty list');
    if (code === undefined && !isSame(asked.answer, [])) this.#wrong(asked, 'an empty list');
  }
}
