/** A copy of an image in words. */
import type { CopyReport, FleetReport } from '../../core/fleet_report.js';
import type { ProgressReport } from '../../core/report.js';
import { formatDuration, formatNumberOf, formatRelative, formatShortDuration } from '../ui/format.js';
import { percentOf } from '../ui/progress_words.js';
import { copyWords } from '../ui/state_words.js';

/** How long it lacks something, s, now and not when the report was made. */
export function lagNow({ lag_s }: CopyReport, report_at_ms: number, now_ms: number): number {
  return lag_s === 0 ? 0 : lag_s + Math.max(0, now_ms - report_at_ms) / 1_000;
}

/** What stands in its cell: as little as says it. */
export function cellWords(copy: CopyReport, lag_s: number, progress: ProgressReport | null): string {
  const lag = `${copy.snapshots_behind} · ${formatShortDuration(lag_s)}`;
  switch (copy.state) {
    case 'in_sync':
      return copy.newest;
    case 'behind':
      return lag;
    case 'in_transfer':
      return progress === null ? 'under way' : percentOf(progress) || 'sending';
    case 'failed':
      return copy.snapshots_behind === 0 ? 'failed' : lag;
    case 'empty':
      return 'none';
    case 'unknown':
      return 'unknown';
  }
}

/** How far it is behind: `3 snapshots behind, for 2 h 5 min`. */
export function lagWords({ snapshots_behind }: CopyReport, lag_s: number): string {
  if (snapshots_behind === 0) return '';
  const behind = `${formatNumberOf(snapshots_behind, 'snapshot')} behind`;
  return lag_s === 0 ? behind : `${behind}, for ${formatDuration(Math.floor(lag_s))}`;
}

/** All of a cell in one sentence, for screen readers and the pointer. */
export function cellSentence(copy: CopyReport, lag_s: number): string {
  const { word } = copyWords(copy.state);
  const parts = [`${copy.image} on ${copy.replica}: ${word}`, lagWords(copy, lag_s)];
  if (copy.newest !== '') parts.push(`holds ${copy.newest}`);
  if (!copy.is_online) parts.push('replica offline');
  return parts.filter((part) => part !== '').join(', ');
}

/** What is known of the copy, as sentences, the most telling first. */
export function copySentences(
  copy: CopyReport,
  image: FleetReport['images'][number],
  lag_s: number,
  now_ms: number,
): string[] {
  const { newest, replica, is_online, known_at_ms, state } = copy;
  const sentences: string[] = [];
  if (image.newest === '') sentences.push('The master has no snapshot of this image.');
  else if (state === 'in_sync') sentences.push(`It holds the newest snapshot, ${image.newest}.`);
  else if (newest === '' && state !== 'unknown') {
    sentences.push(`It holds no snapshot of it; the newest is ${image.newest}.`);
  } else if (state !== 'unknown') sentences.push(`It holds ${newest}; the newest is ${image.newest}.`);
  const lag = lagWords(copy, lag_s);
  if (lag !== '' && newest !== '') sentences.push(`That is ${lag}.`);
  if (state === 'unknown') {
    sentences.push(`${replica} has not said what it holds since the master was started.`);
  }
  if (!is_online) {
    const when = known_at_ms === null ? '' : ` This was so ${formatRelative(known_at_ms, now_ms)}.`;
    sentences.push(`${replica} is offline: a transfer waits until it is back.${when}`);
  }
  return sentences;
}
