import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import type { EffectRecord } from '../../../src/core/records.js';
import { loggedEffects } from '../../../src/daemon/logged_effects.js';
import { type LogFormat, logCommit, logFatal, makeLogger } from '../../../src/daemon/logging.js';
import type { EffectHandler } from '../../../src/runtime/ports.js';
import { transferExport } from '../inspection/support/transfer_export.js';

const { actor, events, effects } = transferExport();
let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'icbdrep-log-'));
  file = join(directory, 'node.log');
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const logger = (level = 'debug', format?: LogFormat): ReturnType<typeof makeLogger> =>
  makeLogger({ node: 'master', level, format, file });
const text = (): string => readFileSync(file, 'utf8');
const lines = (): Record<string, unknown>[] =>
  text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('JSON, which a file has by default', () => {
  test('one line an event, with the ids of the history', () => {
    logCommit(logger(), { events, parked: [] });
    const logged = lines();
    expect(logged.map(({ event_id }) => event_id)).toEqual(events.map(({ event_id }) => event_id));
    expect(logged[2]).toMatchObject({
      level: 'info',
      node: 'master',
      actor: 'transfer/17-3fa9',
      transfer: '17-3fa9',
      seq: 3,
      event: 'plan.done',
      state_before: 'planning',
      state: 'offering',
      attempt: 1,
      cause: 'effect transfer/17-3fa9:2:0',
      msg: 'plan.done: planning -> offering',
    });
    expect(logged[1]).toMatchObject({ cause: 'replica/replica1:5' });
    expect(logged[3]).toMatchObject({ level: 'debug', cause: 'replica1 message 12' });
    expect(logged[3]?.['reason']).toContain('another attempt');
    expect(logged[4]).toMatchObject({ level: 'warn', error: { code: 'NoSpace' } });
    expect(logged[5]).toMatchObject({ cause: 'operator ann' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('an event of another actor names the transfer that it is about', () => {
    const of = { ...events[1], kind: 'replica', id: 'replica1', attempt: 0 } as (typeof events)[number];
    const record = { ...of, event: { type: 'slot.request', transfer: '17-3fa9' } };
    logCommit(logger(), { events: [record], parked: [] });
    expect(lines()[0]).toMatchObject({ actor: 'replica/replica1', transfer: '17-3fa9' });
    expect(lines()[0]).not.toHaveProperty('attempt');
  });

  test('an actor that is parked is an error', () => {
    logCommit(logger('error'), { events, parked: [{ ...actor, parked_reason: 'it threw' }] });
    expect(lines()).toMatchObject([{ level: 'error', transfer: '17-3fa9', reason: 'it threw' }]);
  });

  test('what is called a secret is never written', () => {
    const secret = 'a-very-secret-thing';
    const log = logger('trace');
    log.info({ secret, token: secret, peer: { password: secret } }, 'one');
    log.warn({ request: { headers: { authorization: secret, cookie: secret } } }, 'two');
    expect(lines()).toHaveLength(2);
    expect(text()).not.toContain(secret);
    expect(text()).toContain('(not shown)');
  });
});

describe('pretty, for people', () => {
  test('time, level, node and message first, then what matters, in one line', () => {
    logCommit(logger('debug', 'pretty'), { events, parked: [actor] });
    const shown = text().trimEnd().split('\n');
    expect(shown).toHaveLength(events.length + 1);
    expect(shown[2]).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d{4} INFO: {2}master {2}transfer\/17-3fa9 plan\.done: planning -> offering {2}seq=3 {2}attempt=1 {2}cause="effect transfer\/17-3fa9:2:0"$/,
    );
    expect(shown[4]).toContain('WARN:  master');
    expect(shown[4]).toContain('error="the disk is full [NoSpace]"');
    expect(shown.at(-1)).toContain('ERROR: master  transfer/17-3fa9 parked');
    expect(text()).not.toContain('\u001b');
  });

  test('nothing in it moves the cursor, and nothing makes a second line', () => {
    logger('info', 'pretty').info({ name: 'x\u001b[2Jy\nz' }, 'from \u001b[31ma peer\nfake line');
    expect(text().trimEnd().split('\n')).toHaveLength(1);
    expect(text()).not.toContain('\u001b');
  });

  test('an exception keeps its stack, and secrets stay out', () => {
    const log = logger('info', 'pretty');
    logFatal(log, new IcbdError('Internal', 'boom', { operation: 'test' }));
    log.info({ token: 'abc-def' }, 'logged in');
    expect(text()).toMatch(/FATAL: master {2}cannot go on.*boom \[Internal\]/);
    expect(text()).toMatch(/\n {4}at .*logging\.test\.ts/);
    expect(text()).not.toContain('abc-def');
  });
});

describe('effects', () => {
  const effect = effects[0] as EffectRecord;
  const controller = new AbortController();
  const tools = { signal: controller.signal, tell: () => true };

  async function runLogged(handler: EffectHandler, level = 'debug'): Promise<unknown> {
    const handlers: Record<string, EffectHandler> = {};
    const logged = loggedEffects(handlers, logger(level));
    // Nodes fill them in later.
    handlers[effect.kind] = handler;
    try {
      return await logged[effect.kind]?.(effect, tools);
    } catch (error) {
      return error;
    }
  }

  test('have a line when they start and when they end', async () => {
    const event = { type: 'plan.done' };
    expect(await runLogged(async () => event)).toBe(event);
    expect(lines()).toMatchObject([
      { level: 'debug', transfer: '17-3fa9', effect: effect.id, kind: 'plan', msg: 'plan: started' },
      { effect: effect.id, status: 'done', duration_ms: expect.any(Number) as number },
    ]);
  });

  test('that fail say why, and fail as before', async () => {
    const error = new IcbdError('NoSpace', 'full', { operation: 'plan' });
    expect(await runLogged(() => Promise.reject(error))).toBe(error);
    expect(lines()[1]).toMatchObject({ status: 'failed', error: { code: 'NoSpace', message: 'full' } });
  });

  test('that nobody wants any more are told as stopped', async () => {
    await runLogged(async () => {
      controller.abort();
      throw new Error('aborted');
    });
    expect(lines()[1]).toMatchObject({ status: 'stopped' });
  });

  test('that the node does not have stay unknown', () => {
    expect(loggedEffects({}, logger())['nothing']).toBeUndefined();
  });
});
