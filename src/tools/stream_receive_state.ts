/** What a receiving remembers between two runs, in a file. */
import { readFileSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, systemError } from '../btrfs/btrfs_errors.js';
import type { StreamVersion } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';
import { isSameProcess } from '../pipeline/child.js';

/** A place in the input, proven by the XXH3-64 of all before it, as 16 hex digits. */
export interface InputPlace {
  readonly offset_bytes: number;
  readonly hash: string;
}

/** A part that is on disk. */
export interface DurablePart extends InputPlace {
  readonly name: string;
  readonly uuid: string;
  readonly index: number;
}

export interface SubvolumeState {
  readonly name: string;
  readonly uuid: string;
  /** A decimal number: JSON has no 64 bits. */
  readonly ctransid: string;
  readonly version: StreamVersion;
  readonly part: DurablePart | null;
  /** Set before the subvolume gets its name; it has it if it stands there. */
  readonly end: (InputPlace & { readonly is_stream_end: boolean }) | null;
}

export interface ReceiveState {
  readonly format: 1;
  /** Names the parts of this receiving. */
  readonly seed: string;
  /** How often it was started. */
  readonly run: number;
  readonly owner: { readonly pid: number; readonly start_time: string };
  /** The input up to and with its first command. */
  readonly head: InputPlace;
  /** In the order of the input; all but the last have their names. */
  readonly subvolumes: readonly SubvolumeState[];
}

const operation = 'read receive state';

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isPlace(value: unknown): boolean {
  return isRecord(value) && Number.isSafeInteger(value['offset_bytes']) && typeof value['hash'] === 'string';
}

function isSubvolume(value: unknown): value is SubvolumeState {
  if (!isRecord(value)) return false;
  const { name, uuid, ctransid, version, part, end } = value;
  const has_texts = [name, uuid].every((text) => typeof text === 'string') && /^\d+$/.test(String(ctransid));
  return (
    has_texts &&
    (version === 1 || version === 2) &&
    [part, end].every((place) => place === null || isPlace(place))
  );
}

function isState(value: unknown): value is ReceiveState {
  if (!isRecord(value) || value['format'] !== 1 || !isRecord(value['owner'])) return false;
  const { seed, run, head, subvolumes } = value;
  const is_named = typeof seed === 'string' && /^[0-9a-z]{1,32}$/.test(seed) && Number.isSafeInteger(run);
  return is_named && isPlace(head) && Array.isArray(subvolumes) && subvolumes.every(isSubvolume);
}

/**
 * The state that an earlier run left; undefined if there is none.
 * @throws IcbdError `CorruptData` if the file holds something else, which is left as it is
 */
export async function loadState(path: string): Promise<ReceiveState | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw systemError(operation, path, error);
  }
  const value = parse(text);
  if (isState(value)) return value;
  throw new IcbdError('CorruptData', `${path} holds no state of a receive that this version understands`, {
    operation,
    subject: path,
    hint: 'give another file with --state; or remove it, and the hidden .icbdrep-part-* beside it, to start over',
    retryable: false,
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Replaces the file in one step; it is on disk when this returns. */
export async function saveState(path: string, state: ReceiveState): Promise<void> {
  const fresh = `${path}.new`;
  try {
    const file = await open(fresh, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(state)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw systemError('write receive state', path, error);
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export async function removeState(path: string): Promise<void> {
  await rm(`${path}.new`, { force: true });
  await rm(path, { force: true });
}

/** This process, so that a later one can tell whether it still runs. */
export function ownProcess(): ReceiveState['owner'] {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // Field 22; the second is a name in parentheses and may hold anything.
  return { pid: process.pid, start_time: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '' };
}

/** @throws IcbdError `AlreadyRunning` if another process that still runs has this state */
export function checkOwner(path: string, { owner }: ReceiveState): void {
  if (owner.pid === process.pid || !isSameProcess(owner.pid, owner.start_time)) return;
  throw new IcbdError('AlreadyRunning', `process ${owner.pid} is receiving this already`, {
    operation: 'stream receive',
    subject: path,
    hint: 'wait for it, or stop it: what it has received so far is kept',
  });
}
