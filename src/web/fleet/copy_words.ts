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

/**
 * What stands in its cell.
 * @param is_roomy whether there is room for words; without, it is as little as says it
 */
export function cellWords(
  copy: CopyReport,
  lag_s: number,
  progress: ProgressReport | null,
  is_roomy: boolean,
): string {
  const lag = formatShortDuration(lag_s);
  const behind = is_roomy ? `${copy.snapshots_behind} behind · ${lag}` : `${copy.snapshots_behind} · ${lag}`;
  switch (copy.state) {
    case 'in_sync':
      return is_roomy ? `in sync · ${copy.newest}` : copy.newest;
    case 'behind':
      return behind;
    case 'in_transfer': {
      if (progress === null) return is_roomy ? 'transfer under way' : 'under way';
      const percent = percentOf(progress);
      return is_roomy ? `sending ${percent}` : percent || 'sending';
    }
    case 'failed':
      return is_roomy ? `failed · ${behind}` : behind;
    case 'empty':
      return is_roomy ? 'holds none' : 'none';
    case 'unknown':
      return 'unknown';
  }
}

/** How far it is behind: `3 snapshots behind, for 2 h 5 min`. */
export function lagWords({ snapshots_behind }: CopyReport, lag_s: number): string {
  if (snapshots_behind === 0) return '';
  const behind = `${formatNumberOf(snapshots_behind, 'snapshot')} behind`;
  const lag = lag_s < 60 ? formatShortDuration(lag_s) : formatDuration(Math.floor(lag_s));
  return lag_s === 0 ? behind : `${behind}, for ${lag}`;
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
