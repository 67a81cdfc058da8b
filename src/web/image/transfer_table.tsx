import type { TransferReport } from '../../core/report.js';
import { transferPath } from '../routes.js';
import { progressOf } from '../store.js';
import { EmptyState } from '../ui/boxes.js';
import { formatBytes } from '../ui/format.js';
import { ProgressBar } from '../ui/progress_bar.js';
import { progressWords } from '../ui/progress_words.js';
import { StateBadge } from '../ui/state_badge.js';
import { shownState, transferWords } from '../ui/state_words.js';
import { Time } from '../ui/time.js';

function Standing({ transfer }: { transfer: TransferReport }) {
  const { id, number, last_error, stream_bytes, already_there, settled } = transfer;
  const progress = transfer.progress === null ? null : (progressOf(id).value ?? transfer.progress);
  if (progress !== null) {
    return (
      <>
        <ProgressBar progress={progress} label={`How much of ${number} is there`} />
        <span class="dim">{progressWords(progress)}</span>
      </>
    );
  }
  if (transfer.state === 'completed') {
    return <span class="dim">{already_there ? 'it was there' : formatBytes(stream_bytes ?? 0)}</span>;
  }
  if (last_error !== null) return <span class="standing-error">{last_error.message}</span>;
  return <span class="dim">{settled ? '' : transfer.state_description}</span>;
}

/** Some transfers in short. */
export function TransferTable({
  transfers,
  has_replica,
}: {
  transfers: readonly TransferReport[];
  has_replica: boolean;
}) {
  if (transfers.length === 0) return <EmptyState title="No transfers" />;
  return (
    <div class="table-scroll">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Transfer</th>
            <th scope="col">{has_replica ? 'Of, to' : 'Of'}</th>
            <th scope="col">State</th>
            <th scope="col">Standing</th>
            <th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>
          {transfers.map((transfer) => (
            <tr key={transfer.id}>
              <td>
                <a href={transferPath(transfer.id)}>{transfer.id}</a>
              </td>
              <td class="nowrap">
                {has_replica
                  ? `${transfer.number} → ${transfer.replica}`
                  : `${transfer.image} ${transfer.number}`}
              </td>
              <td>
                <StateBadge
                  words={transferWords(shownState(transfer))}
                  is_plain
                  title={transfer.state_description}
                />
              </td>
              <td class="standing">
                <Standing transfer={transfer} />
              </td>
              <td class="nowrap dim">
                <Time at_ms={transfer.updated_at_ms} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
