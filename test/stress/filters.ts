/** Filters to ask by, and what each means. */
import type { NameFilter } from '../../src/core/name_report.js';
import type { Random } from '../support/random.js';
import type { Matches } from './model.js';

export interface Asking {
  readonly filter: NameFilter;
  readonly matches: Matches;
}

export const words = ['disk', 'fast', 'old', 'spare', 'tape', 'vm'];

/** Some of the words, none twice, sorted. */
export function someWords(random: Random, count_max: number): string[] {
  const chosen = new Set(Array.from({ length: random.between(0, count_max) }, () => random.pick(words)));
  return [...chosen].toSorted();
}

export const everything: Asking = { filter: {}, matches: () => true };

/** Some stand for one client, some for several, and some for nothing. */
export function byPrefix(random: Random, client: string): Asking {
  const number = random.between(0, 9);
  const prefix = random.pick([
    `stress.${client}.`,
    `stress.${client}`,
    `stress.${client}.${number}`,
    `stress.c${number}`,
    'stress.shared.',
    'icbdrep.',
    'stress.%',
    `fixed.${client}.`,
  ]);
  return { filter: { prefix }, matches: ({ name }) => name.startsWith(prefix) };
}

/** Such that JavaScript's expressions mean the same, from the start of the name on. */
export function byExpression(random: Random, client: string): Asking {
  const [a, b] = [random.between(0, 9), random.between(0, 9)];
  const regex = random.pick([
    `stress\\.${client}\\.\\d$`,
    `stress\\.c(${a}|${b})\\.`,
    `stress\\.c\\d{2}\\.[${Math.min(a, b)}-${Math.max(a, b)}]`,
    `.*\\.${a}$`,
    `s.*(shared|${client})`,
    'tress',
    '(icbdrep|stress)\\.(nameserver|shared\\.[0-3])$',
  ]);
  const same = new RegExp(`^(?:${regex})`);
  return { filter: { regex }, matches: ({ name }) => same.test(name) };
}

export function byMetadata(random: Random, client: string): Asking {
  const wanted = [...new Set([random.pick(words), random.pick(words)])];
  const around = random.next() < 0.5 ? everything : byPrefix(random, client);
  if (random.next() < 0.5) {
    return {
      filter: { ...around.filter, metadata_all: wanted },
      matches: (content) =>
        around.matches(content) && wanted.every((word) => content.metadata.includes(word)),
    };
  }
  return {
    filter: { ...around.filter, metadata_any: wanted },
    matches: (content) => around.matches(content) && wanted.some((word) => content.metadata.includes(word)),
  };
}

/** What takes others for ever, and matches none of the names here. */
export const catastrophes = ['(s+)+$', '(.*)*(.*)*(.*)*!', '(stress|s|t|r|e)*\\.!$', '([a-z.]+)*!'];
