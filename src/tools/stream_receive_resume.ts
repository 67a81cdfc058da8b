/** Where a receiving goes on. */
import { join } from 'node:path';
import { standsComplete } from '../btrfs/parts.js';
import type { SnapshotStore } from '../btrfs/snapshot_store.js';
import type { CutterStart } from '../stream/cutter.js';
import type { InputPlace, ReceiveState, SubvolumeState } from './stream_receive_state.js';

export interface ResumePoint {
  readonly place: InputPlace;
  readonly start: CutterStart;
  /** Those before the place, and the one it lies in. */
  readonly subvolumes: readonly SubvolumeState[];
  /** A checkpoint that should be there and is not: the place is before it. */
  readonly lost: string | undefined;
}

/**
 * The last place from which all that is before it is on disk; undefined: there is none but the beginning.
 * A part counts only if it is still read-only and has the received_uuid that it was given.
 */
export async function findResumePoint(
  store: SnapshotStore,
  directory: string,
  { subvolumes }: ReceiveState,
): Promise<ResumePoint | undefined> {
  const last = subvolumes.at(-1);
  if (last === undefined) return undefined;
  if (last.end !== null && (await standsComplete(store, join(directory, last.name), last.uuid))) {
    return between(subvolumes, last, undefined);
  }
  const { part } = last;
  if (part !== null && (await standsComplete(store, join(directory, part.name), part.uuid))) {
    const head = { version: last.version, uuid: last.uuid, ctransid: BigInt(last.ctransid) };
    const within = { head, index: part.index, uuid: part.uuid };
    const { offset_bytes } = part;
    const start = { offset_bytes, ordinal: subvolumes.length - 1, version: last.version, within };
    return {
      place: part,
      start,
      subvolumes: [...subvolumes.slice(0, -1), { ...last, end: null }],
      lost: undefined,
    };
  }
  const before = subvolumes.at(-2);
  return before === undefined ? undefined : between(subvolumes.slice(0, -1), before, part?.name);
}

/** Behind the last of these, which has its name. */
function between(
  subvolumes: readonly SubvolumeState[],
  last: SubvolumeState,
  lost: string | undefined,
): ResumePoint | undefined {
  if (last.end === null) return undefined;
  const { offset_bytes, is_stream_end } = last.end;
  const start = {
    offset_bytes,
    ordinal: subvolumes.length,
    ...(is_stream_end ? {} : { version: last.version }),
  };
  return { place: last.end, start, subvolumes, lost };
}
