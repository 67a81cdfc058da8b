/** Where an interrupted transfer goes on. */
import type { StreamVersion } from './codecs.js';
import type { StreamPlace } from './data_path.js';

/** Which stream it is: two of the same source are expected to be the same, byte for byte, and checked by their hash. */
export interface StreamSource {
  /** Identity of the snapshot. */
  readonly uuid: string;
  /** Identity of its parent; null for a full stream. */
  readonly parent_uuid: string | null;
  readonly stream_version: StreamVersion;
}

/** A finished read-only part of a snapshot, known to be on disk: a transfer goes on behind it after any crash. */
export interface Checkpoint {
  readonly source: StreamSource;
  /** Uncompressed bytes of the stream that the part and those before it hold; the end of a command. */
  readonly offset_bytes: number;
  /** The last place at or before the offset at which the hash of both sides can be compared. */
  readonly proof: StreamPlace;
  /** What a proof hash that goes on from that place says at the offset, 16 lower-case hex digits. */
  readonly rest_hash: string;
  /** Name of the hidden subvolume in the image's directory. */
  readonly name: string;
  /** Its received_uuid. */
  readonly uuid: string;
  /** Which part it is, from 0. */
  readonly index: number;
  /** Of the snapshot on its source, decimal: JSON has no 64 bits. */
  readonly ctransid: string;
}

/** Whether a checkpoint is one of this stream. */
export function isOfSource(checkpoint: Checkpoint, source: StreamSource): boolean {
  const { uuid, parent_uuid, stream_version } = checkpoint.source;
  return (
    uuid === source.uuid && parent_uuid === source.parent_uuid && stream_version === source.stream_version
  );
}
