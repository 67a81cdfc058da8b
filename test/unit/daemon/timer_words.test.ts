import { expect, test } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import { meaningOfTimer, nameOfTimer, timer_words } from '../../../src/daemon/timer_words.js';
import type { ActorKind } from '../../../src/core/records.js';

/** Names of all delays after which a machine does something by itself. */
function delaysOf(kind: ActorKind): string[] {
  const states = machines[kind].machine.root.states as Record<
    string,
    { after: { delay: string | number }[] }
  >;
  return [...new Set(Object.values(states).flatMap(({ after }) => after.map(({ delay }) => String(delay))))];
}

test.each(Object.keys(machines) as ActorKind[])('every timer of the %s has words', (kind) => {
  expect(Object.keys(timer_words[kind])).toEqual(expect.arrayContaining(delaysOf(kind)));
});

test('of an id, and of one that nobody described', () => {
  expect(delaysOf('transfer')).toContain('backoff');
  expect(nameOfTimer('xstate.after.backoff.transfer.resting')).toBe('backoff');
  expect(meaningOfTimer('transfer', 'xstate.after.backoff.transfer.resting')).toBe('it tries again');
  expect(meaningOfTimer('image', 'xstate.after.tea_time.image.present')).toBe('tea time is over');
});
