/** Lists of things, as tables for people. */
import type { ImageReport, SnapshotReport, TransferReport } from '../../core/report.js';
import { describeNeeds } from './images.js';
import { describeMoment } from './progress.js';
import { renderTable } from './table.js';
import { shownState } from './transfer_states.js';
import { formatRelative, formatTime } from './units.js';
import { type View, styleOfState, styled } from './view.js';

export function renderImages(images: readonly ImageReport[], view: View): string {
  if (images.length === 0) return 'no images: add one with icbdrep image add NAME\n';
  const rows = images.map((image) => [
    image.name,
    { text: image.state, style: styleOfState(image.state) },
    image.snapshot_count === null ? '' : String(image.snapshot_count),
    image.newest,
    image.codec ?? '',
    image.path,
    image.source,
    image.error === null ? '' : `${image.error.message} [${image.error.code}]`,
  ]);
  const columns = [
    { title: 'NAME' },
    { title: 'STATE' },
    { title: 'SNAPSHOTS', align: 'right' as const },
    { title: 'LAST' },
    { title: 'CODEC' },
    { title: 'PATH' },
    { title: 'SOURCE' },
    { title: 'ERROR' },
  ];
  return renderTable(columns, rows, view);
}

export function renderSnapshots(snapshots: readonly SnapshotReport[], view: View): string {
  if (snapshots.length === 0) return 'no snapshots\n';
  const is_asked = snapshots.some(({ needed_by }) => needed_by !== null);
  const rows = snapshots.map((snapshot) => [
    snapshot.image,
    snapshot.number,
    formatTime(snapshot.created_at_ms),
    ...(is_asked ? [describeNeeds(snapshot.needed_by ?? [])] : []),
    snapshot.uuid,
    snapshot.received_uuid,
    snapshot.path,
  ]);
  const columns = [
    { title: 'IMAGE' },
    { title: 'NUMBER', align: 'right' as const },
    { title: 'CREATED' },
    ...(is_asked ? [{ title: 'NEEDED BY' }] : []),
    { title: 'UUID' },
    { title: 'RECEIVED UUID' },
    { title: 'PATH' },
  ];
  return renderTable(columns, rows, view);
}

export function renderTransfers(transfers: readonly TransferReport[], view: View): string {
  if (transfers.length === 0) return 'no transfers\n';
  const rows = transfers.map((transfer) => {
    const state = shownState(transfer);
    return [
      transfer.id,
      transfer.image,
      transfer.number,
      transfer.replica,
      { text: state, style: styleOfState(state) },
      String(transfer.attempt),
      transfer.parent ?? '',
      formatRelative(transfer.updated_at_ms, view.now_ms),
      describeMoment(transfer, view.now_ms),
    ];
  });
  const columns = [
    { title: 'ID' },
    { title: 'IMAGE' },
    { title: 'SNAPSHOT', align: 'right' as const },
    { title: 'REPLICA' },
    { title: 'STATE' },
    { title: 'ATTEMPTS', align: 'right' as const },
    { title: 'PARENT', align: 'right' as const },
    { title: 'UPDATED' },
    { title: 'DETAILS' },
  ];
  return renderTable(columns, rows, view);
}

/** `101 to 200 of 1234 shown; ...`: what stands below a list that is not all there is. */
export function renderMore(
  { offset, shown, total }: { readonly offset: number; readonly shown: number; readonly total: number },
  view: View,
): string {
  const next = offset + shown;
  if (offset === 0 && next >= total) return '';
  const range = shown === 0 ? 'none' : `${offset + 1} to ${next}`;
  const how = next < total && shown > 0 ? `; the next ones: --offset ${next}` : '';
  return styled(`${range} of ${total} shown${how}`, 'dim', view) + '\n';
}
