import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ContextChange } from '../../../src/core/machine_report.js';
import { changesBetween } from '../../../src/inspection/changes.js';

test('nested fields are told by their path, before and after', () => {
  const before = { attempt: 1, plan: { parent: { number: '3' }, codec: 'zstd' }, error: null, old: 1 };
  const after = { attempt: 2, plan: { parent: null, codec: 'zstd' }, error: { code: 'NoSpace' }, more: [] };
  expect(changesBetween(before, after)).toEqual([
    { path: 'attempt', before: 1, after: 2 },
    { path: 'plan.parent', before: { number: '3' }, after: null },
    { path: 'error', before: null, after: { code: 'NoSpace' } },
    { path: 'more', after: [] },
    { path: 'old', before: 1 },
  ]);
});

test('of nothing, all is new', () => {
  expect(changesBetween(undefined, { a: 1, b: { c: 2 } })).toEqual([
    { path: 'a', after: 1 },
    { path: 'b', after: { c: 2 } },
  ]);
});

test('a list that grew or lost an item shows that item and no others', () => {
  const list = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  const change = (after: unknown[]): ContextChange[] => changesBetween({ list }, { list: after });
  expect(change([list[0], list[2]])).toEqual([{ path: 'list.1', before: { id: 'b' } }]);
  expect(change([...list, { id: 'd' }])).toEqual([{ path: 'list.3', after: { id: 'd' } }]);
  expect(change([{ id: 'z' }, ...list])).toEqual([{ path: 'list.0', after: { id: 'z' } }]);
  expect(change([list[0], { id: 'B' }, list[2]])).toEqual([{ path: 'list.1.id', before: 'b', after: 'B' }]);
});

test('what is told to differ does, and nothing is told of what is the same', () => {
  const json = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(json, json, (one, other) => {
      const [before, after] = JSON.parse(JSON.stringify([one, other])) as [object, object];
      expect(changesBetween(before, structuredClone(before))).toEqual([]);
      const changes = changesBetween(before, after);
      expect(changes.length === 0).toBe(isEqual(before, after));
      for (const change of changes) expect(isEqual(change.before, change.after)).toBe(false);
    }),
  );
});

function isEqual(one: unknown, other: unknown): boolean {
  try {
    expect(one).toEqual(other);
    return true;
  } catch {
    return false;
  }
}
