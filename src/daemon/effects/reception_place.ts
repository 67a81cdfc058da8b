/** What the effects of a reception need, and what they are told. */
import path from 'node:path';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import type { Checkpoint, StreamSource } from '../../core/checkpoint.js';
import type { StreamVersion } from '../../core/codecs.js';
import { isOfSource } from '../../core/checkpoint.js';
import { standsComplete } from '../../btrfs/parts.js';

/** Where the snapshot goes. */
export interface ReceptionPlace {
  readonly transfer: string;
  readonly attempt: number;
  readonly image: string;
  readonly number: string;
  /** Identity of the snapshot. */
  readonly uuid: string;
}

/** Which stream of the snapshot it is, what was received of it before, and which way it comes. */
export interface ReceptionStream {
  readonly parent: { readonly number: string; readonly uuid: string } | null;
  readonly stream_version: StreamVersion;
  readonly checkpoint: Checkpoint | null;
  /** Whether it comes through the ssh tunnel of this node. */
  readonly ssh: boolean;
}

export function sourceOf({ uuid, parent, stream_version }: ReceptionPlace & ReceptionStream): StreamSource {
  return { uuid, parent_uuid: parent?.uuid ?? null, stream_version };
}

/** Why the stream cannot go on at the checkpoint; empty if it can. */
export async function whyUseless(
  store: SnapshotStore,
  directory: string,
  checkpoint: Checkpoint,
  source: StreamSource,
): Promise<string> {
  if (!isOfSource(checkpoint, source)) {
    return 'what was received is of another stream: of another snapshot, parent or stream version';
  }
  const { name, uuid } = checkpoint;
  const stands = await standsComplete(store, path.join(directory, name), uuid);
  return stands ? '' : `the part ${name} is gone, or not complete any more`;
}
