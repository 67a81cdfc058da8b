/** What there is to say of a transfer in one line, whatever its state. */
import type { TransferReport } from '../../core/report.js';
import { formatBytes, formatDuration, formatRelative } from '../ui/format.js';
import { shownState } from '../ui/state_words.js';

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** How it ended, or what it waits for; while bytes move there is a bar instead. */
export function outcomeWords(transfer: TransferReport, now_ms: number): string {
  const { last_error, parked_reason, stream_bytes, already_there, next_at_ms } = transfer;
  switch (shownState(transfer)) {
    case 'completed': {
      if (already_there) return 'it was there already';
      const took = formatDuration((transfer.updated_at_ms - transfer.created_at_ms) / 1_000);
      return stream_bytes === null ? `in ${took}` : `${formatBytes(stream_bytes)} in ${took}`;
    }
    case 'parked':
      return firstLine(parked_reason);
    case 'failed':
      return firstLine(last_error?.message ?? transfer.state_description);
    case 'resting': {
      const when = next_at_ms === null ? '' : `tries again ${formatRelative(next_at_ms, now_ms)}: `;
      return when + firstLine(last_error?.message ?? transfer.state_description);
    }
    case 'scheduled':
      return next_at_ms === null
        ? transfer.state_description
        : `begins ${formatRelative(next_at_ms, now_ms)}`;
    default:
      return transfer.state_description;
  }
}

/** Whether it can be run again as it is. */
export function canRedrive({ verbs }: TransferReport): boolean {
  return verbs.some(({ verb, is_allowed }) => verb === 'redrive' && is_allowed);
}
