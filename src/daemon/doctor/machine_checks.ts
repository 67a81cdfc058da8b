/** What a node stands on: programs, versions, disks, secrets. Needs no daemon. */
import { statSync } from 'node:fs';
import { access, constants, statfs } from 'node:fs/promises';
import path from 'node:path';
import { createBtrfs } from '../../btrfs/btrfs.js';
import { readCapabilities } from '../../btrfs/capabilities.js';
import { IcbdError } from '../../core/errors.js';
import type { DoctorCheck } from '../../core/doctor_report.js';
import { availableCodecs } from '../../pipeline/codec.js';
import { findProgram } from '../../pipeline/program.js';
import { readSecret } from '../config/secret.js';
import { startThread } from '../../pipeline/start_thread.js';
import { fail, listed, ok, warn } from './check.js';
import type { DatabaseVerdict } from './database_worker.js';

const mebibyte = 1024 * 1024;
/** With less no stream is taken in; see the reception's effects. */
const free_bytes_min = 64 * mebibyte;
const free_bytes_low = 1024 * mebibyte;
const free_part_low = 0.05;
/** A state database larger than this is unusual, bytes. */
const database_bytes_large = 1024 * mebibyte;

/** File name of the state database in the state directory. */
const database_name = 'state.db';

const megabytes = (bytes: number): string => `${Math.floor(bytes / mebibyte)} MiB`;

function failed(name: string, thrown: unknown, fallback_hint: string): DoctorCheck {
  const { message, hint } = IcbdError.from(thrown, 'doctor');
  return fail(name, message, hint === '' ? fallback_hint : hint);
}

async function checkVersions(): Promise<DoctorCheck> {
  const name = 'btrfs';
  try {
    const { btrfs_progs, kernel, stream_version_max } = await readCapabilities();
    const text = `btrfs-progs ${btrfs_progs}, Linux ${kernel}: streams up to version ${stream_version_max}`;
    if (stream_version_max >= 2) return ok(name, text);
    return warn(name, text, 'Linux 6.0 and btrfs-progs 6.2 send compressed data as it is on disk');
  } catch (error) {
    return failed(name, error, 'apt-get install btrfs-progs');
  }
}

/** Programs besides btrfs, what is lost without each, and its package. */
const programs = [
  ['mv', 'nothing can be published', 'coreutils'],
  ['setpriv', 'a btrfs process outlives a killed daemon', 'util-linux'],
  ['unshare', 'btrfs receive cannot be confined', 'util-linux'],
  ['mount', 'btrfs receive cannot be confined', 'mount'],
  ['getfattr', 'snapshots cannot be verified', 'attr'],
] as const;

function checkPrograms(): DoctorCheck {
  const name = 'programs';
  const missing = programs.filter(([program]) => findProgram(program) === undefined);
  if (missing.length === 0) return ok(name, `found: ${programs.map(([program]) => program).join(', ')}`);
  const text = missing.map(([program, loss]) => `${program} is not installed: ${loss}`).join('; ');
  const hint = `apt-get install ${[...new Set(missing.map(([, , found_in]) => found_in))].join(' ')}`;
  return missing.some(([program]) => program === 'mv') ? fail(name, text, hint) : warn(name, text, hint);
}

async function checkCodecs(): Promise<DoctorCheck> {
  const codecs = await availableCodecs();
  const text = `codecs: ${codecs.join(', ')}`;
  if (codecs.includes('zstd')) return ok('codecs', text);
  return warn('codecs', `${text}; no zstd`, 'apt-get install zstd, or a Node.js that has it');
}

/** @returns the state of the machine, wherever its node keeps its data */
export async function programChecks(): Promise<DoctorCheck[]> {
  return [await checkVersions(), checkPrograms(), await checkCodecs()];
}

async function checkMountpoint(mountpoint: string): Promise<DoctorCheck> {
  const name = 'mountpoint';
  try {
    await createBtrfs().checkMountpoint(mountpoint);
    await access(mountpoint, constants.W_OK);
    return ok(name, `${mountpoint} is on btrfs and writable`);
  } catch (error) {
    return failed(name, error, `mount ${mountpoint} writable, and run as root`);
  }
}

async function checkFreeSpace(mountpoint: string): Promise<DoctorCheck> {
  const name = 'free space';
  try {
    const { bavail, blocks, bsize } = await statfs(mountpoint);
    const free_bytes = bavail * bsize;
    const text = `${megabytes(free_bytes)} of ${megabytes(blocks * bsize)} are free on ${mountpoint}`;
    const hint = 'delete old snapshots, or make the filesystem larger';
    if (free_bytes < free_bytes_min) return fail(name, text, hint);
    const is_low = bavail < blocks * free_part_low || free_bytes < free_bytes_low;
    return is_low ? warn(name, text, hint) : ok(name, text);
  } catch (error) {
    return failed(name, error, `look whether ${mountpoint} is mounted`);
  }
}

function judgeDatabase(file: string): Promise<DatabaseVerdict> {
  const worker = startThread(new URL('./database_worker.js', import.meta.url), { workerData: { file } });
  return new Promise((resolve) => {
    worker.once('message', (verdict: DatabaseVerdict) => resolve(verdict));
    worker.once('error', (error) => resolve([error.message]));
    worker.once('exit', () => resolve(['its check ended']));
  });
}

async function checkStateDatabase(state_dir: string): Promise<DoctorCheck> {
  const name = 'state database';
  const file = path.join(state_dir, database_name);
  const size_bytes = statSync(file, { throwIfNoEntry: false })?.size;
  if (size_bytes === undefined) {
    return warn(name, `there is no ${file}`, 'the daemon makes it at its first start');
  }
  const problems = await judgeDatabase(file);
  const text = `${file}: ${megabytes(size_bytes)}`;
  if (problems.length > 0) {
    const hint = 'stop the daemon, keep a copy of the file, and restore a backup or remove it to start anew';
    return fail(name, `${text}, damaged: ${listed(problems)}`, hint);
  }
  if (size_bytes < database_bytes_large) return ok(name, `${text}, whole`);
  return warn(name, `${text}, whole, and large`, 'look at icbdrep transfers: are there very many?');
}

function checkSecrets(files: readonly string[]): DoctorCheck[] {
  const problems = files.flatMap((file) => {
    try {
      readSecret(file);
      return [];
    } catch (error) {
      return [failed('secrets', error, `chmod 600 ${file}`)];
    }
  });
  if (problems.length > 0 || files.length === 0) return problems;
  return [ok('secrets', `${files.length === 1 ? 'its file is' : `all ${files.length} files are`} private`)];
}

function checkKey(file: string): DoctorCheck {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  if (mode === undefined)
    return fail('TLS key', `there is no ${file}`, 'correct listen.tls_key in the config');
  if ((mode & 0o077) === 0) return ok('TLS key', 'its file is private');
  return fail('TLS key', `${file} can be read by other users`, `chmod 600 ${file}`);
}

/** Where a node keeps what the doctor looks at. */
export interface NodePlaces {
  readonly mountpoint: string;
  readonly state_dir: string;
  readonly secret_files: readonly string[];
  readonly tls_key?: string | undefined;
}

export async function placeChecks(places: NodePlaces): Promise<DoctorCheck[]> {
  const { mountpoint, state_dir, secret_files, tls_key } = places;
  return [
    await checkMountpoint(mountpoint),
    await checkFreeSpace(mountpoint),
    await checkStateDatabase(state_dir),
    ...checkSecrets(secret_files),
    ...(tls_key === undefined ? [] : [checkKey(tls_key)]),
  ];
}
