/** The package as other programs use it: by its name, built, with its types. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fleet } from '../../support/fleet.js';

const root = new URL('../../..', import.meta.url).pathname;

let fleet: Fleet;
/** A project that depends on the package. */
let project: string;
beforeAll(async () => {
  project = mkdtempSync(path.join(tmpdir(), 'icbdrep-library-'));
  mkdirSync(path.join(project, 'node_modules'));
  symlinkSync(root, path.join(project, 'node_modules', 'icbd-replication'));
  writeFileSync(path.join(project, 'package.json'), '{"type":"module"}');
  fleet = await Fleet.start({ replicas: 2 });
});
afterAll(async () => {
  await fleet?.dispose();
  rmSync(project, { recursive: true, force: true });
});

/** Runs a module of the project; returns what it printed. */
async function run(name: string, source: string): Promise<string> {
  writeFileSync(path.join(project, name), source);
  const { stdout } = await execa(process.execPath, [name, fleet.master.socket], { cwd: project });
  return stdout;
}

test('the example replicates a snapshot to every replica', async () => {
  const source = await fleet.addImage('vm');
  writeFileSync(path.join(source, 'disk.img'), 'x'.repeat(300_000));
  const example = [path.join(root, 'examples', 'replicate.mjs'), 'vm', fleet.master.socket];
  const { stdout } = await execa(process.execPath, example, { cwd: project });
  expect(stdout).toContain(`took ${fleet.master.snapshotPath('vm', '1')}`);
  expect(stdout).toMatch(/^r1: completed$/m);
  expect(stdout).toMatch(/^r2: completed$/m);
  expect(stdout).toMatch(/^2 of 2 replicas hold vm\/1$/m);

  const missing = await execa(process.execPath, [example[0] ?? '', 'nowhere', fleet.master.socket], {
    cwd: project,
    reject: false,
  });
  expect(missing.exitCode).toBe(1);
  expect(missing.stderr).toContain('[ImageNotFound]');
});

test('snapshots know where they are; errors have their codes; a signal gives a call up', async () => {
  const printed = await run(
    'use.mjs',
    `import { connect, IcbdError } from 'icbd-replication';
     const master = connect({ socket: process.argv[2] });
     const last = await master.snapshots.last('vm', { node: 'r1' });
     const { mountpoint, image_path, path } = JSON.parse(JSON.stringify(last));
     const codes = [];
     const failed = (error) => codes.push(error instanceof IcbdError ? error.code : String(error));
     await master.snapshots.get('vm', '9').catch(failed);
     await master.names.lookup('nobody').catch(failed);
     await master.transfers.get('17').catch(failed);
     await connect({ socket: '/nowhere' }).status().catch(failed);
     await master.status({ signal: AbortSignal.abort() }).catch(failed);
     const endless = new AbortController();
     setTimeout(() => endless.abort(), 100);
     await master.nodes.ping({ node: 'r2', signal: endless.signal });
     console.log(JSON.stringify({ mountpoint, image_path, path, codes }));`,
  );
  const { mountpoint } = fleet.replica(0).fs;
  expect(JSON.parse(printed)).toEqual({
    mountpoint,
    image_path: `${mountpoint}/vm`,
    path: `${mountpoint}/vm/1`,
    codes: ['SnapshotNotFound', 'NameNotFound', 'TransferNotFound', 'DaemonNotRunning', 'Cancelled'],
  });
});

test('the codecs of the original are there as streams', async () => {
  const printed = await run(
    'codec.mjs',
    `import { compressStream, decompressStream, stream_codec_names } from 'icbd-replication';
     import { Readable } from 'node:stream';
     const data = Buffer.alloc(300_000, 'icbd');
     for (const codec of stream_codec_names) {
       const packed = compressStream(codec, Readable.from([data]));
       const chunks = [];
       for await (const chunk of decompressStream(codec, packed)) chunks.push(chunk);
       console.log(codec, Buffer.concat(chunks).equals(data));
     }`,
  );
  expect(printed.split('\n')).toEqual([
    'snappy true',
    'snappy-framed true',
    'lz4 true',
    'zlib true',
    'gzip true',
    'zstd true',
  ]);
});

/** Checks a program with this line in it. */
async function check(line: string) {
  writeFileSync(
    path.join(project, 'typed.ts'),
    `import { connect, IcbdError, type TransferReport } from 'icbd-replication';
     const client = connect();
     export async function run(signal: AbortSignal): Promise<TransferReport[]> {
       try {
         ${line}
       } catch (error) {
         if (error instanceof IcbdError && error.code === 'ImageNotFound') return [];
         throw error;
       }
     }`,
  );
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  const types = ['--typeRoots', path.join(root, 'node_modules', '@types')];
  const tsc = path.join(root, 'node_modules', '.bin', 'tsc');
  const { exitCode, stdout } = await execa(tsc, [...flags, ...types, 'typed.ts'], {
    cwd: project,
    reject: false,
  });
  return { exitCode, stdout };
}

test('programs in TypeScript are checked against it', async () => {
  const good = `return await client.transfers.send({ image: 'vm', numbers: ['1'], to: ['all'] }, { signal });`;
  expect(await check(good)).toEqual({ exitCode: 0, stdout: '' });
  const bad = `return await client.transfers.send({ image: 'vm', numbers: [1], to: ['all'] }, { signal });`;
  expect((await check(bad)).stdout).toContain('TS2322');
});
