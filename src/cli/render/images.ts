/** One image, or one snapshot, for people. */
import type { ImageDetails, ImageHistoryReport, SnapshotNeed, SnapshotReport } from '../../core/report.js';
import { describeOmitted, renderTimeline } from './history.js';
import { type Cell, renderFields } from './table.js';
import { printable } from './text.js';
import { formatRelative, formatTime } from './units.js';
import { type View, styleOfState, styled } from './view.js';

const kinds = { sent: 'sending', received: 'receiving', parent: 'parent', base: 'base' } as const;

/** In a column: `r1 (base), r2 (sending 4-3fa9)`. */
export function describeNeeds(needs: readonly SnapshotNeed[]): string {
  return needs
    .map(({ kind, node, transfer }) => `${node} (${[kinds[kind], transfer].join(' ').trimEnd()})`)
    .join(', ');
}

/** On a line of its own: `3 for r1, as the base of its next increment, since ...`. */
function describeNeed({ number, kind, node, transfer, since_ms }: SnapshotNeed, view: View): string {
  const what = {
    sent: `is sent by transfer ${transfer}`,
    received: `is received by transfer ${transfer}`,
    parent: `is the parent in transfer ${transfer}`,
    base: 'is the base of the next increment',
  }[kind];
  return `${number} ${what} (${node}), since ${formatTime(since_ms)} (${formatRelative(since_ms, view.now_ms)})`;
}

/** All about one image, on one screen. */
export function renderImageDetails(image: ImageDetails, view: View): string {
  const { error, last } = image;
  const fields: [string, Cell][] = [
    ['image', { text: image.name, style: 'bold' }],
    ['state', { text: image.state, style: styleOfState(image.state) }],
    ['path', image.path],
    ['source', image.source === '' ? 'none on this node' : image.source],
    ['codec', image.codec ?? "the config's"],
    ['snapshots', image.snapshot_count === null ? 'not known yet' : String(image.snapshot_count)],
    ['last', last === null ? '' : `${last.number}, made ${formatTime(last.created_at_ms)}`],
    ...image.needs.map((need): [string, Cell] => ['needed', describeNeed(need, view)]),
    ['error', error === null ? '' : { text: `${error.message} [${error.code}]`, style: 'red' }],
    ['hint', error?.hint ?? ''],
  ];
  return renderFields(fields, view);
}

/** What happened to one image: when, why, from which state to which, and the work that ran meanwhile. */
export function renderImageHistory(
  { image, events, effects, omitted }: ImageHistoryReport,
  view: View,
): string {
  const title = styled(`image ${printable(image.name)}: `, 'bold', view);
  const state = styled(image.state, styleOfState(image.state), view);
  const older = styled(describeOmitted(omitted), 'dim', view);
  return `${title}${state}\n${older}${renderTimeline({ events, effects }, view)}`;
}

/** All about one snapshot. */
export function renderSnapshot(snapshot: SnapshotReport, view: View): string {
  const { created_at_ms } = snapshot;
  const fields: [string, Cell][] = [
    ['snapshot', { text: `${snapshot.image}/${snapshot.number}`, style: 'bold' }],
    ['path', snapshot.path],
    ['image path', snapshot.image_path],
    ['mount point', snapshot.mountpoint],
    ['created', `${formatTime(created_at_ms)} (${formatRelative(created_at_ms, view.now_ms)})`],
    ['uuid', snapshot.uuid],
    ['received uuid', snapshot.received_uuid],
    ['needed by', describeNeeds(snapshot.needed_by ?? [])],
  ];
  return renderFields(fields, view);
}
