import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExportFile } from '../../../src/core/export_file.js';
import { IcbdError } from '../../../src/core/errors.js';
import { runCli } from '../../../src/cli/program.js';
import { tamperedExport, transferExport } from '../inspection/support/transfer_export.js';
import { type Ran, fakeContext, run } from './fake_context.js';
import { type FakeDaemon, startFakeDaemon } from './fake_daemon.js';

const file = transferExport();
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'icbdrep-view-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function saved(exported: ExportFile, name = 'saved.json'): string {
  const path = join(directory, name);
  writeFileSync(path, JSON.stringify(exported));
  return path;
}

async function view(...argv: readonly string[]): Promise<Ran> {
  const context = fakeContext();
  const code = await runCli(['view', ...argv], context);
  return { code, ...context.printed };
}

describe('view', () => {
  test('without a terminal prints a line for each step, and the last one whole', async () => {
    const { code, out, err } = await view(saved(file));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('transfer 17-3fa9, vm1/3 to replica1');
    expect(out).toContain('from master, icbdrep 1.2.3');
    expect(out).toContain('6 steps\n');
    expect(out).toMatch(/ 3 .*plan\.done +planning -> offering +changes plan/);
    expect(out).toMatch(/ 4 .*reception\.refused +offering \(ignored\)/);
    expect(out).toMatch(/step 6 of 6 .*\+1\.5 s\nevent +cancel\ncause +operator ann\n/);
  });

  test('--at shows one step: event, cause, state, guards, what it asked for, what changed, the context', async () => {
    const { code, out } = await view(saved(file), '--at', '3');
    expect(code).toBe(0);
    expect(out).toContain('cause      effect transfer/17-3fa9:2:0');
    expect(out).toContain('state      planning -> offering');
    expect(out).toMatch(/ message \d+ to reception\/17-3fa9 on replica1: transfer\.offer/);
    expect(out).toMatch(/timer after offer_timeout in /);
    expect(out).toMatch(/changed +plan: null -> \{"uuid"/);
    expect(out).toMatch(/ {2}\* plan\.parent\.number +"2"\n/);
    expect(out).not.toContain('plan.done  ');
    const ignored = (await view(saved(file), '--at', '4')).out;
    expect(ignored).toContain('state      offering; ignored: it is about another attempt');
    expect(ignored).toContain('guards     isOfThisAttempt: no');
  });

  test('a negative place counts from the end', async () => {
    expect((await view(saved(file), '--at', '-1')).out).toContain('step 6 of 6');
    expect((await view(saved(file), '--at', '-6')).out).toContain('step 1 of 6');
    const beyond = await view(saved(file), '--at', '-7');
    expect(beyond).toMatchObject({ code: 2, out: '' });
    expect(beyond.err).toContain('has no step -7 [InvalidArgument]\nhint: it has the steps 1 to 6');
    expect((await view(saved(file), '--at', '7')).code).toBe(2);
    expect((await view(saved(file), '--at', '0')).err).toContain('is no step');
  });

  test('--json is the whole report, or of it one step', async () => {
    const all = JSON.parse((await view(saved(file), '--json')).out) as { steps: unknown[] };
    expect(all).toMatchObject({ kind: 'transfer', id: '17-3fa9', departure: null });
    expect(all.steps).toHaveLength(6);
    const one = JSON.parse((await view(saved(file), '--json', '--at', '-1')).out) as object;
    expect(one).toMatchObject({ steps: [{ seq: 6, event: { type: 'cancel' } }] });
  });

  test('--diagram draws the machine that the file has, and the way up to the step', async () => {
    const states = file.graph.states.filter(({ name }) => name !== 'scheduled');
    const transitions = file.graph.transitions.filter(({ from, to }) => ![from, to].includes('scheduled'));
    const graph = { ...file.graph, states, transitions };
    const path = saved({ ...file, graph }, 'other_machine.json');
    const { code, out } = await view(path, '--at', '3', '--diagram', 'text');
    expect(code).toBe(0);
    expect(out).toContain('transfer 17-3fa9: offering');
    expect(out).toContain('plan.done');
    expect(out).not.toContain('cancelling ×1');
    const dot = (await view(path, '--diagram', 'dot')).out;
    expect(dot).toMatch(/^digraph/);
    expect(dot).not.toContain('scheduled');
    expect((await view(path, '--diagram', 'svg')).out).toMatch(/^<svg|^<\?xml/);
    expect((await view(path, '--diagram', 'mermaid')).out).toContain('stateDiagram');
    expect((await view(path, '--diagram', 'png')).code).toBe(2);
  });

  test('a history that departs is said, and exits with 1', async () => {
    const path = saved(tamperedExport(3), 'tampered.json');
    const all = await view(path);
    expect(all.code).toBe(1);
    expect(all.out).toMatch(/ 3 .*DEPARTS/);
    expect(all.out).toMatch(/\ndeparts at event 3: .+\n$/);
    const one = await view(path, '--at', '3');
    expect(one).toMatchObject({ code: 1, err: '' });
    expect(one.out).toMatch(/\ndeparts +\S/);
    expect((await view(path, '--json')).code).toBe(1);
  });

  test('what cannot be read is told in one line and a hint', async () => {
    const missing = await view(join(directory, 'nothing.json'));
    expect(missing).toMatchObject({ code: 2, out: '' });
    expect(missing.err).toContain('there is no such file');
    expect((await view(directory)).err).toContain('it is a directory');
    writeFileSync(join(directory, 'other'), 'hello');
    expect(await view(join(directory, 'other'))).toMatchObject({ code: 2, out: '' });
    writeFileSync(join(directory, 'cut'), JSON.stringify(file).slice(0, 2_000));
    const cut = await view(join(directory, 'cut'), '--json');
    expect(cut.code).toBe(1);
    expect(JSON.parse(cut.err)).toMatchObject({ error: { code: 'CorruptData' } });
  });
});

describe('export', () => {
  let daemon: FakeDaemon;

  beforeAll(async () => {
    daemon = await startFakeDaemon(({ path }) => {
      if (path.endsWith('/export')) return file;
      return new IcbdError('TransferNotFound', 'there is none', { operation: 'find' });
    });
  });

  afterAll(() => daemon.dispose());

  test('goes to standard output where that is no terminal, and can be viewed', async () => {
    const { code, out } = await run(daemon.socket, ['transfer', 'export', '17']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(file);
    expect(daemon.requests.at(-1)?.path).toBe('/v1/transfers/17/export');
    const path = join(directory, 'out.json');
    writeFileSync(path, out);
    expect((await view(path)).code).toBe(0);
  });

  test('-o writes a file, and never over another one unless forced', async () => {
    const path = join(directory, 'o.json');
    const wrote = await run(daemon.socket, ['replica', 'export', 'replica1', '-o', path]);
    expect(wrote.code).toBe(0);
    expect(wrote.out).toContain(`look at it anywhere: icbdrep view ${path}`);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(file);
    writeFileSync(path, 'mine');
    const refused = await run(daemon.socket, ['image', 'export', 'vm1', '-o', path]);
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toContain('is there already');
    expect(readFileSync(path, 'utf8')).toBe('mine');
    const forced = await run(daemon.socket, ['image', 'export', 'vm1', '-o', path, '--force', '--json']);
    expect(JSON.parse(forced.out)).toEqual({ file: path, actor: 'transfer/17-3fa9', events: 6 });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(file);
    const nowhere = await run(daemon.socket, ['transfer', 'export', '17', '-o', join(path, 'x')]);
    expect(nowhere.err).toContain('cannot be written');
    expect(existsSync(join(path, 'x'))).toBe(false);
  });

  test('transfer view is both in one', async () => {
    const { code, out } = await run(daemon.socket, ['transfer', 'view', '17', '--at', '-2']);
    expect(code).toBe(0);
    expect(out).toContain('step 5 of 6');
  });
});
