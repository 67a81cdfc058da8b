import type { ContextChange } from '../core/machine_report.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * What differs between two contexts, field by field, in the order of the fields: those that are gone last.
 * Lists are compared from both ends, so that one that grew or lost an item shows that item and no others.
 * @param before undefined: there was none, so that all is new
 */
export function changesBetween(before: unknown, after: unknown): ContextChange[] {
  return compare('', before ?? {}, after ?? {});
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSame = (before: unknown, after: unknown): boolean => compare('', before, after).length === 0;

const joined = (path: string, name: string | number): string => (path === '' ? `${name}` : `${path}.${name}`);

function compare(path: string, before: unknown, after: unknown): ContextChange[] {
  if (isFields(before) && isFields(after)) return compareFields(path, before, after);
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(path, before, after);
  return before === after ? [] : [{ path, before, after }];
}

function compareFields(path: string, before: Fields, after: Fields): ContextChange[] {
  const changes = Object.keys(after).flatMap((name): ContextChange[] =>
    Object.hasOwn(before, name)
      ? compare(joined(path, name), before[name], after[name])
      : [{ path: joined(path, name), after: after[name] }],
  );
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  return [...changes, ...gone.map((name) => ({ path: joined(path, name), before: before[name] }))];
}

function compareLists(path: string, before: readonly unknown[], after: readonly unknown[]): ContextChange[] {
  if (before.length === after.length) {
    return after.flatMap((item, index) => compare(joined(path, index), before[index], item));
  }
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && isSame(before[head], after[head])) head += 1;
  let tail = 0;
  while (tail < shorter - head && isSame(before.at(-1 - tail), after.at(-1 - tail))) tail += 1;
  const gone = before.slice(head, before.length - tail);
  const come = after.slice(head, after.length - tail);
  return [
    ...gone.map((item, index) => ({ path: joined(path, head + index), before: item })),
    ...come.map((item, index) => ({ path: joined(path, head + index), after: item })),
  ];
}
