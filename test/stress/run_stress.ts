/** Many clients at once on one name server, every answer checked. */
import { performance } from 'node:perf_hooks';
import type { NameReport } from '../../src/core/name_report.js';
import { type NameService, name_of_name_server } from '../../src/core/name_service.js';
import { randomFrom } from '../support/random.js';
import { Model, type WrongAnswer } from './model.js';
import { type KindRate, Rates } from './rates.js';
import { StressClient } from './stress_client.js';

export interface StressOptions {
  /** The name server as each client may use it, by the client's name. */
  readonly services: ReadonlyMap<string, NameService>;
  readonly seconds: number;
  readonly seed: number;
  /** Names that are registered first and stay, of all clients together. */
  readonly fixed: number;
  /** Ends the run early. */
  readonly signal?: AbortSignal;
}

export interface StressReport {
  readonly calls: number;
  /** How long clients called, without what came before. */
  readonly seconds: number;
  readonly rates: readonly KindRate[];
  /** The first answer that cannot be; undefined: all are as they must be. */
  readonly wrong: WrongAnswer | undefined;
  /** What is wrong with the names that a name server tells now that nobody calls any more; undefined: nothing. */
  readonly faultOfNames: (names: readonly NameReport[]) => string | undefined;
}

/** The clients, in the order of their numbers. */
export function clientNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `c${index + 1}`);
}

async function makeModel(service: NameService): Promise<Model> {
  const { name, address, metadata, owner, lease_s } = await service.lookup(name_of_name_server);
  return new Model({ name, address, metadata, owner, lease_s });
}

/**
 * Lets all clients call until the time is over or an answer is wrong.
 * @throws what is no wrong answer
 */
export async function runStress(options: StressOptions): Promise<StressReport> {
  const { services, seconds, seed, fixed, signal } = options;
  const clients = [...services.keys()];
  const [first] = services.values();
  if (first === undefined || clients.length < 2) throw new Error('stress needs two clients or more');
  const model = await makeModel(first);
  const rates = new Rates();
  const workers = [...services].map(([name, names], index) => {
    const random = randomFrom(seed * 1_000 + index);
    return new StressClient({ name, clients, names, model, rates, random });
  });
  let wrong: WrongAnswer | undefined;
  const stop = (error: unknown): void => {
    if (!(error instanceof Error) || error.name !== 'WrongAnswer') throw error;
    wrong ??= error as WrongAnswer;
  };
  const each = Math.ceil(fixed / clients.length);
  await Promise.all(workers.map((worker) => worker.addFixed(each).catch(stop)));
  rates.clear();
  const started_ms = performance.now();
  const isOver = (): boolean =>
    wrong !== undefined || signal?.aborted === true || performance.now() - started_ms >= seconds * 1_000;
  const work = async (worker: StressClient): Promise<void> => {
    while (!isOver()) await worker.step();
  };
  await Promise.all(workers.map((worker) => work(worker).catch(stop)));
  const took_s = (performance.now() - started_ms) / 1_000;
  return {
    calls: rates.calls,
    seconds: took_s,
    rates: rates.report(took_s),
    wrong,
    faultOfNames: (names) => {
      model.begin('judge');
      const fault = model.faultOfList(names, () => true, model.end('judge'));
      return fault === undefined ? undefined : `expected ${fault[0]}, got ${fault[1]}`;
    },
  };
}
