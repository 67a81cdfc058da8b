import path from 'node:path';
import type { ImageContext } from '../../actors/image.js';
import type { SnapshotInfo } from '../../core/lineage.js';
import type { ActorRecord } from '../../core/records.js';
import type { ImageReport, SnapshotNeed, SnapshotReport } from '../../core/report.js';

/** An image as its actor knows it. */
export function reportImage(mountpoint: string, record: ActorRecord): ImageReport {
  const context = record.snapshot.context as ImageContext;
  return {
    name: context.name,
    state: record.state,
    path: path.join(mountpoint, context.name),
    source: context.source,
    codec: context.codec,
    snapshot_count: context.scan?.snapshot_count ?? null,
    newest: context.scan?.newest ?? '',
    error: context.error,
  };
}

/** @param needs those of the image's snapshots; undefined: nobody asked */
export function reportSnapshot(
  mountpoint: string,
  image: string,
  snapshot: SnapshotInfo,
  needs?: readonly SnapshotNeed[],
): SnapshotReport {
  const { number, uuid, received_uuid, created_at_ms } = snapshot;
  const image_path = path.join(mountpoint, image);
  return {
    image,
    number,
    mountpoint,
    image_path,
    path: path.join(image_path, number),
    uuid,
    received_uuid,
    created_at_ms,
    needed_by: needs?.filter((need) => need.number === number) ?? null,
  };
}
