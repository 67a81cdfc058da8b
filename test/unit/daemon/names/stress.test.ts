/** The checker of the stress run, on registries in this process: right ones pass, and none with a fault does. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { NameCaller, NameService } from '../../../../src/core/name_service.js';
import type { NameReport } from '../../../../src/core/name_report.js';
import { seedOf } from '../../../support/random.js';
import { type StressReport, clientNames, runStress } from '../../../stress/run_stress.js';
import { nameBench, operator } from './registry_support.js';

/** Changes what a client is answered; `all` is the server with all rights. */
type Fault = (names: NameService, all: NameService) => Partial<NameService>;

async function late<T>(work: () => Promise<T>): Promise<T> {
  await turn();
  const answer = await work();
  await turn();
  return answer;
}

/** As a link: the call goes out, waits its turn, and its answer is later. */
function asLink(names: NameService): NameService {
  return {
    register: (registration) => late(() => names.register(registration)),
    renew: () => late(() => names.renew()),
    lookup: (name) => late(() => names.lookup(name)),
    list: (filter) => late(() => names.list(filter)),
    remove: (removal) => late(() => names.remove(removal)),
    setMetadata: (name, metadata) => late(() => names.setMetadata(name, metadata)),
    removed: (limit) => late(() => names.removed(limit)),
    ping: () => late(() => names.ping()),
    report: (change) => late(() => names.report(change)),
  };
}

async function stress(seed: number, fault: Fault = () => ({})): Promise<StressReport> {
  const { registry } = nameBench();
  const all = registry.as(operator);
  const services = clientNames(12).map((node): [string, NameService] => {
    const caller: NameCaller = { node, role: 'replica' };
    const names = registry.as(caller);
    return [node, asLink({ ...names, ...fault(names, all) })];
  });
  const report = await runStress({ services: new Map(services), seconds: 3, seed, fixed: 24 });
  return { ...report, faultOfNames: () => report.faultOfNames(registry.list()) };
}

test('a name server that does what it should is found right', async () => {
  const report = await stress(seedOf('STRESS_SEED'));
  expect(report.wrong).toBeUndefined();
  expect(report.faultOfNames([])).toBeUndefined();
  expect(report.calls).toBeGreaterThan(500);
  expect(report.rates.map(({ kind }) => kind)).toEqual([
    'list',
    'list metadata',
    'list prefix',
    'list regex',
    'lookup',
    'meddle',
    'ping',
    'refused',
    'register',
    'register safe',
    'register shared',
    'remove',
    'remove prefix',
    'remove regex',
    'remove shared',
    'renew',
    'set metadata',
  ]);
}, 60_000);

/** Keeps what was answered before the last call. */
function stale<T>(): (fresh: T) => T {
  let old: T | undefined;
  return (fresh) => {
    const answer = old ?? fresh;
    old = fresh;
    return answer;
  };
}

const staleList = stale<NameReport[]>();

const faults: readonly (readonly [string, Fault])[] = [
  [
    'a list without its last name',
    (names) => ({ list: async (filter) => (await names.list(filter)).slice(0, -1) }),
  ],
  [
    'a list that is not sorted',
    (names) => ({ list: async (filter) => (await names.list(filter)).toReversed() }),
  ],
  ['a list of before', (names) => ({ list: async (filter) => staleList(await names.list(filter)) })],
  [
    'an expression that is not anchored',
    (names) => ({
      list: async ({ regex, ...rest } = {}) =>
        names.list(regex === undefined ? rest : { ...rest, regex: `.*(${regex})` }),
    }),
  ],
  [
    'any metadata where all was asked',
    (names) => ({
      list: async ({ metadata_all = [], ...rest } = {}) =>
        names.list({ ...rest, metadata_any: metadata_all }),
    }),
  ],
  [
    'a removal that counts one too many',
    (names) => ({
      remove: async (removal) => {
        const { removed, names: gone } = await names.remove(removal);
        return { removed: removed + 1, names: gone };
      },
    }),
  ],
  [
    'a removal that does not happen',
    (names) => ({
      remove: async (removal) => {
        const { name = '' } = removal;
        if (name === '') return names.remove(removal);
        await names.lookup(name);
        return { removed: 1, names: [name] };
      },
    }),
  ],
  ['a removal of what belongs to others', (_names, all) => ({ remove: (removal) => all.remove(removal) })],
  [
    'metadata that others may change',
    (_names, all) => ({
      setMetadata: (name, metadata) => all.setMetadata(name, metadata),
    }),
  ],
  [
    'a safe registration that is not safe',
    (names) => ({
      register: (registration) => names.register({ ...registration, safe: false }),
    }),
  ],
  [
    'a registration without its metadata',
    (names) => ({
      register: async (registration) => {
        const report = await names.register({ ...registration, metadata: [] });
        return { ...report, metadata: registration.metadata ?? [] };
      },
    }),
  ],
  [
    'a registration that is lost',
    (names) => ({
      register: async (registration) => {
        const report = await names.register(registration);
        if (registration.address.endsWith('7')) await names.remove({ name: registration.name });
        return report;
      },
    }),
  ],
  [
    'a renewal that forgets one',
    (names) => ({
      renew: async () => ({ renewed: (await names.renew()).renewed.slice(1) }),
    }),
  ],
  [
    'a lookup without an error',
    (names) => ({
      lookup: async (name) => names.lookup(name).catch(async () => names.lookup('icbdrep.nameserver')),
    }),
  ],
];

describe('found wrong is', () => {
  test.each(faults)(
    '%s',
    async (_name, fault) => {
      const { wrong } = await stress(7, fault);
      expect(wrong).toMatchObject({
        client: expect.stringMatching(/^c\d+$/),
        call: expect.stringMatching(/./),
        expected: expect.stringMatching(/./),
        got: expect.stringMatching(/./),
      });
    },
    60_000,
  );
});
