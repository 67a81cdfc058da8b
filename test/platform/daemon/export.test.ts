/** What real nodes export can be looked at elsewhere, adds up, and holds no secret; nor do their logs and databases. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExportFile } from '../../../src/core/export_file.js';
import { readExport } from '../../../src/inspection/view.js';
import { Fleet } from '../../support/fleet.js';
import { freePort } from '../../support/fleet_config.js';
import { seededBytes } from '../../support/image_tree.js';
import { isSettled, send, untilTransfer } from '../../support/replicate.js';
import { Terminal } from '../../support/terminal.js';

const program = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;
const token = 'token-of-the-control-api-5f1c77aa21';
const wrong_token = 'wrong-token-that-somebody-tried-88be';

let directory: string;
let fleet: Fleet;
let url: string;
let id: string;

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-export-'));
  const token_file = path.join(directory, 'token');
  writeFileSync(token_file, token, { mode: 0o600 });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const log = 'level = "trace"';
  fleet = await Fleet.start({
    master: { log, control: `listen = "127.0.0.1:${port}"\ntoken_file = "${token_file}"` },
    replica: { log },
  });
  const source = await fleet.addImage('vm1');
  writeFileSync(path.join(source, 'disk.img'), seededBytes(1, 4 * 1024 * 1024));
  await fleet.master.client.snapshots.create('vm1');
  ({ id } = await send(fleet, 'vm1', '1'));
  await untilTransfer(fleet, id, isSettled);
});

afterAll(async () => {
  await fleet?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

async function icbdrep(...argv: string[]): Promise<{ code: number | undefined; out: string; err: string }> {
  const options = { reject: false, cwd: directory, env: { ICBDREP_SOCKET: fleet.master.socket } } as const;
  const { exitCode, stdout, stderr } = await execa(process.execPath, [program, ...argv], options);
  return { code: exitCode, out: stdout, err: stderr };
}

/** Of all actors of all nodes. */
async function exports(): Promise<ExportFile[]> {
  const { client } = fleet.master;
  const replica = fleet.replica(0).client;
  return Promise.all([
    client.inspection.export('transfer', id),
    client.inspection.export('replica', 'r1'),
    client.inspection.export('image', 'vm1'),
    replica.inspection.export('transfer', id),
    replica.inspection.export('image', 'vm1'),
  ]);
}

test('an export of every actor adds up, and steps are told as the export has them', async () => {
  const all = await exports();
  expect(all.map(({ actor, node }) => `${actor.kind} ${node}`)).toEqual([
    'transfer master',
    'replica master',
    'image master',
    'reception r1',
    'image r1',
  ]);
  for (const file of all) {
    const { report } = readExport(JSON.stringify(file), file.actor.kind);
    expect(report).toMatchObject({ departure: null, not_folded: '', omitted: 0 });
    expect(report.steps.at(-1)?.context).toEqual(file.actor.snapshot.context);
  }
  const { inspection } = fleet.master.client;
  const steps = await inspection.steps('transfer', id);
  expect(steps).toEqual(readExport(JSON.stringify(all[0]), 'transfer').report);
  const newest = await inspection.steps('transfer', id, { limit: 2 });
  expect(newest).toEqual({ ...steps, omitted: steps.steps.length - 2, steps: steps.steps.slice(-2) });
});

test('icbdrep export, and view of what it wrote, which needs no daemon', async () => {
  expect(await icbdrep('transfer', 'export', id, '-o', 'one.json')).toMatchObject({ code: 0, err: '' });
  const env = { ICBDREP_SOCKET: path.join(directory, 'nothing') };
  const { stdout } = await execa(process.execPath, [program, 'view', 'one.json'], { cwd: directory, env });
  expect(stdout).toContain(`transfer ${id}, vm1/1 to r1`);
  expect(stdout).toMatch(
    /reception\.completed +confirming -> completed|reception\.completed +sending -> completed/,
  );
  expect((await icbdrep('transfer', 'export', id, '-o', 'one.json')).err).toContain('is there already');
  expect((await icbdrep('replica', 'view', '1', '--at', '1')).out).toContain('replica r1');
  expect((await icbdrep('image', 'export', 'nothing')).code).toBe(10);
});

test('at a terminal: export writes a file of its own name, and view steps through it', async () => {
  const terminals: Terminal[] = [];
  const open = (...argv: string[]): Terminal => {
    const command = ['env', `--chdir=${directory}`, process.execPath, program, ...argv];
    const options = { columns: 80, rows: 24, env: { ICBDREP_SOCKET: fleet.master.socket, NO_COLOR: '1' } };
    const terminal = new Terminal(command, options);
    terminals.push(terminal);
    return terminal;
  };
  try {
    const exporting = open('transfer', 'export', id);
    await exporting.see(`transfer-${id}.json`);
    expect(await exporting.ended()).toBe(0);
    const terminal = open('view', `transfer-${id}.json`);
    await terminal.see(`transfer ${id}, vm1/1 to r1`);
    await terminal.see(/state +\w+ -> completed/);
    terminal.type('g');
    await terminal.see(/step 1 of \d+/);
    await terminal.see(/event +created/);
    terminal.type('n');
    await terminal.see(/step 2 of \d+/);
    terminal.type('/plan.done\r');
    await terminal.see(/event +plan\.done/);
    await terminal.see(/state +planning -> offering/);
    terminal.type('1\r');
    await terminal.see(/step 1 of \d+/);
    terminal.type('q');
    expect(await terminal.ended()).toBe(0);
  } finally {
    await Promise.all(terminals.map((terminal) => terminal.hangUp()));
  }
});

/** What a browser shows instead of the token. */
const cookieOf = (answer: Response): string =>
  /=([^;]{16,})/.exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? '';

test('no secret stands in a log at level trace, in a database, or in an export', async () => {
  let cookie = '';
  for (const given of [wrong_token, token]) {
    const answer = await fetch(`${url}/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: given }),
    });
    expect(answer.ok).toBe(given === token);
    cookie = cookieOf(answer);
    await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${given}` } });
  }
  const link_secret = readFileSync(
    path.join(path.dirname(fleet.master.directory), 'r1.secret'),
    'utf8',
  ).trim();
  expect(cookie).not.toBe('');
  const secrets = [token, wrong_token, cookie, link_secret].flatMap(encodings);
  // So that all of the log is there.
  await Promise.all(fleet.nodes.map((node) => node.stop()));
  const texts = new Map<string, Buffer>();
  for (const node of fleet.nodes) {
    texts.set(`${node.name} log`, readFileSync(path.join(node.directory, 'log')));
    texts.set(`${node.name} database`, readFileSync(node.database_file));
  }
  texts.set('export', readFileSync(path.join(directory, 'one.json')));
  for (const [name, bytes] of texts) {
    expect(bytes.length, name).toBeGreaterThan(1_000);
    const found = secrets.filter(({ text }) => bytes.includes(text));
    expect(found, name).toEqual([]);
  }
  expect(String(texts.get('master log'))).toContain('"level":"debug"');
  expect(String(texts.get('master log'))).toContain('wrong token');
});

/** How a secret may have been written. */
function encodings(secret: string): { readonly as: string; readonly text: string }[] {
  const bytes = Buffer.from(secret);
  const meant = /^[0-9a-f]{64}$/.test(secret) ? Buffer.from(secret, 'hex') : bytes;
  return [bytes, meant].flatMap((value) => [
    { as: 'raw', text: value.toString('latin1') },
    { as: 'hex', text: value.toString('hex') },
    { as: 'HEX', text: value.toString('hex').toUpperCase() },
    { as: 'base64', text: value.toString('base64').replace(/=+$/, '') },
    { as: 'base64url', text: value.toString('base64url') },
  ]);
}
