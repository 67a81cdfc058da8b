import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import { cancelled, graphs } from '../diagram/samples.js';
import { type Ran, run } from './fake_context.js';
import { type FakeDaemon, startFakeDaemon } from './fake_daemon.js';

let daemon: FakeDaemon;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'icbdrep-diagram-'));
  daemon = await startFakeDaemon(({ path }) => {
    if (path === '/v1/transfers/17-3fa9/diagram') return { ...cancelled, id: '17-3fa9' };
    if (path === '/v1/replicas/north/diagram') return { ...cancelled, kind: 'replica', id: 'north' };
    if (path === '/v1/images/vm%201/diagram') return { ...cancelled, kind: 'image', id: 'vm 1' };
    if (path === '/v1/machines/reception') return graphs.reception;
    return new IcbdError('TransferNotFound', 'there is no such transfer', { operation: 'find transfer' });
  });
});

afterEach(async () => {
  await daemon.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const icbdrep = (...argv: string[]): Promise<Ran> => run(daemon.socket, argv);

test('the way of a transfer as text, which fits the terminal', async () => {
  const { code, out, err } = await run(daemon.socket, ['transfer', 'diagram', '17-3fa9'], { columns: 60 });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^transfer 17-3fa9: cancelling\n/);
  expect(out).toMatch(/^> cancelling +it is here now: /m);
  expect(out.split('\n').filter((line) => line.length > 60)).toEqual([]);
});

test('each format on standard output, and the report itself', async () => {
  expect((await icbdrep('transfer', 'diagram', '17-3fa9', '--format', 'svg')).out).toMatch(/^<svg /);
  expect((await icbdrep('replica', 'diagram', 'north', '--format', 'dot')).out).toMatch(/^digraph /);
  expect((await icbdrep('image', 'diagram', 'vm 1', '--format', 'mermaid')).out).toContain(
    'stateDiagram-v2\n',
  );
  const { out } = await icbdrep('transfer', 'diagram', '17-3fa9', '--json');
  expect(JSON.parse(out)).toEqual({ ...cancelled, id: '17-3fa9' });
});

test('a file, in the format that its name says or that is asked for', async () => {
  const file = join(directory, 'way.svg');
  const written = await icbdrep('transfer', 'diagram', '17-3fa9', '--output', file);
  expect(written).toEqual({ code: 0, out: '', err: `written to ${file}\n` });
  expect(readFileSync(file, 'utf8')).toMatch(/^<svg /);
  await icbdrep('transfer', 'diagram', '17-3fa9', '--output', file, '--format', 'dot');
  expect(readFileSync(file, 'utf8')).toMatch(/^digraph /);
  const nowhere = await icbdrep(
    'transfer',
    'diagram',
    '17-3fa9',
    '--output',
    join(directory, 'no', 'way.svg'),
  );
  expect(nowhere.code).not.toBe(0);
  expect(nowhere.err).toMatch(/cannot be written: .*\nhint: /);
});

test('a machine without an actor', async () => {
  const { out } = await icbdrep('machine', 'diagram', 'reception');
  expect(out).toContain('o idle');
  expect(out).toContain('In every state that does not say otherwise: ');
  const unknown = await icbdrep('machine', 'diagram', 'pump');
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain('image');
  expect((await icbdrep('transfer', 'diagram', '99')).code).toBe(10);
});
