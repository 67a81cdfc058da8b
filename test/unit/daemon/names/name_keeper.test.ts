import { beforeEach, describe, expect, test } from 'vitest';
import { IcbdError } from '../../../../src/core/errors.js';
import { NameKeeper } from '../../../../src/daemon/names/name_keeper.js';
import { HandClock, Lines, ScriptedNames, linkLost, settle } from './keeper_support.js';

const lease_s = 60;
/** The longest time between two renewals. */
const beat_ms = (lease_s * 1_000) / 3;

let clock: HandClock;
let log: Lines;
let names: ScriptedNames;

function makeKeeper(node = 'r1'): NameKeeper {
  return new NameKeeper({
    node,
    registrations: () => [
      { name: `icbdrep.replica.${node}`, address: 'unix://h/s', metadata: ['role=replica'] },
    ],
    lease_s,
    clock,
    log,
  });
}

const change = (state: 'reachable' | 'suspect' | 'unreachable', reason = '') => ({
  name: 'icbdrep.replica.r9',
  state,
  reason,
});

beforeEach(() => {
  clock = new HandClock();
  log = new Lines();
  names = new ScriptedNames();
});

describe('the keeper of a registration', () => {
  test('registers at once, with a lease, and renews three times in its period', async () => {
    makeKeeper().attach(names.service);
    await settle();
    expect(names.held.get('icbdrep.replica.r1')).toEqual({
      name: 'icbdrep.replica.r1',
      address: 'unix://h/s',
      metadata: ['role=replica'],
      lease_s,
    });
    await clock.pass(lease_s * 1_000);
    const renewals = names.calls.filter((call) => call === 'renew').length;
    expect(renewals).toBeGreaterThanOrEqual(3);
    expect(renewals).toBeLessThanOrEqual(4);
    expect(names.calls.filter((call) => call.startsWith('register'))).toHaveLength(1);
    expect(log.lines).toEqual(['info registered']);
  });

  test('registers again what the name server has lost, and says so', async () => {
    makeKeeper().attach(names.service);
    await settle();
    names.held.clear();
    await clock.pass(beat_ms);
    expect([...names.held.keys()]).toEqual(['icbdrep.replica.r1']);
    expect(log.lines).toEqual([
      'info registered',
      'warn the name server has lost a registration: it is made again',
      'info registered',
    ]);
  });

  test('tries again what was refused, and says it once', async () => {
    names.failure = new IcbdError('NotPermitted', 'it belongs to r2', { operation: 'register' });
    makeKeeper().attach(names.service);
    await clock.pass(4 * beat_ms);
    expect(log.lines).toEqual(['warn names: cannot register; tries again']);
    expect(names.calls.length).toBeGreaterThanOrEqual(4);
    names.failure = undefined;
    await clock.pass(beat_ms);
    expect(names.held.size).toBe(1);
    expect(log.lines.at(-1)).toBe('info registered');
  });

  test('a lost service is left alone, and registered at anew when it is back', async () => {
    const keeper = makeKeeper();
    keeper.attach(names.service);
    await settle();
    names.failure = linkLost();
    await clock.pass(beat_ms);
    keeper.detach();
    expect(clock.waiting).toBe(0);
    const calls = names.calls.length;
    await clock.pass(10 * beat_ms);
    expect(names.calls).toHaveLength(calls);
    const next = new ScriptedNames();
    keeper.attach(next.service);
    await settle();
    expect(next.calls).toEqual(['register icbdrep.replica.r1']);
    expect(log.lines).toEqual(['info registered', 'info registered']);
  });

  test('another service takes the place of the one before', async () => {
    const keeper = makeKeeper();
    keeper.attach(names.service);
    await settle();
    const next = new ScriptedNames();
    keeper.attach(next.service);
    await clock.pass(3 * beat_ms);
    expect(names.calls).toEqual(['register icbdrep.replica.r1']);
    expect(next.calls.length).toBeGreaterThanOrEqual(3);
    expect(clock.waiting).toBe(1);
  });

  test('many nodes do not renew at the same time', async () => {
    const first_ms = new Set<number>();
    for (let index = 0; index < 50; index += 1) {
      const own = new HandClock();
      let at_ms = 0;
      const after = (delay_ms: number): (() => void) => {
        at_ms = delay_ms;
        return () => undefined;
      };
      const keeper = new NameKeeper({
        node: `r${index}`,
        registrations: () => [{ name: `n${index}`, address: 'a:1' }],
        lease_s,
        clock: { now: () => own.now(), after },
        log,
      });
      keeper.attach(new ScriptedNames().service);
      await settle();
      first_ms.add(at_ms);
      expect(at_ms).toBeGreaterThanOrEqual(0.75 * beat_ms);
      expect(at_ms).toBeLessThanOrEqual(beat_ms);
    }
    expect(first_ms.size).toBeGreaterThan(40);
  });
});

describe('states of other nodes', () => {
  test('are told at once, and all of them to a service that comes', async () => {
    const keeper = makeKeeper('master');
    keeper.reportState(change('unreachable', 'gone'));
    keeper.attach(names.service);
    await settle();
    expect(names.told).toEqual([change('unreachable', 'gone')]);
    keeper.reportState(change('reachable'));
    await settle();
    expect(names.told.at(-1)).toEqual(change('reachable'));
    keeper.detach();
    keeper.reportState(change('suspect', 'slow'));
    const next = new ScriptedNames();
    keeper.attach(next.service);
    await settle();
    expect(next.told).toEqual([change('suspect', 'slow')]);
  });

  test('of many changes in a row, the last one is told last', async () => {
    const keeper = makeKeeper('master');
    keeper.attach(names.service);
    await settle();
    for (let round = 0; round < 10; round += 1) {
      keeper.reportState(change('unreachable', String(round)));
      keeper.reportState(change('reachable'));
    }
    await settle();
    expect(names.told.at(-1)).toEqual(change('reachable'));
    expect(names.told.length).toBeLessThan(5);
  });

  test('what could not be told is told with the next renewal', async () => {
    const keeper = makeKeeper('master');
    keeper.attach(names.service);
    await settle();
    names.failure = new IcbdError('TimedOut', 'no answer', { operation: 'names.report' });
    keeper.reportState(change('unreachable', 'gone'));
    await settle();
    expect(names.told).toEqual([]);
    names.failure = undefined;
    await clock.pass(beat_ms);
    expect(names.told).toEqual([change('unreachable', 'gone')]);
  });
});
