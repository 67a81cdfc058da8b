import type { CopyReport } from '../../core/fleet_report.js';
import { imagePath, replicaPath, transferPath } from '../routes.js';
import { EmptyState } from '../ui/boxes.js';
import { formatNumberOf, formatShortDuration } from '../ui/format.js';
import { StateBadge } from '../ui/state_badge.js';
import { copyWords } from '../ui/state_words.js';

interface Props {
  readonly copies: readonly CopyReport[];
  /** What its rows are of; the other one is the same for all. */
  readonly by: 'image' | 'replica';
}

/** How far behind, in words; empty if it is not. */
export function behindWords({ state, snapshots_behind, lag_s }: CopyReport): string {
  if (state === 'unknown' || snapshots_behind === 0) return '';
  const late = lag_s === 0 ? '' : `, ${formatShortDuration(lag_s)}`;
  return `${formatNumberOf(snapshots_behind, 'snapshot')}${late}`;
}

function Transfers({ copy: { transfers, failed_transfer } }: { copy: CopyReport }) {
  const [first] = transfers;
  return (
    <>
      {first === undefined ? null : <a href={transferPath(first)}>{first}</a>}
      {transfers.length > 1 ? <span class="dim"> and {transfers.length - 1} more</span> : null}
      {failed_transfer === '' ? null : <a href={transferPath(failed_transfer)}>{failed_transfer} failed</a>}
    </>
  );
}

/** What has what, and how far it is behind. */
export function CopyTable({ copies, by }: Props) {
  if (copies.length === 0) return <EmptyState title="No copies" />;
  return (
    <div class="table-scroll">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{by === 'image' ? 'Image' : 'Replica'}</th>
            <th scope="col">State</th>
            <th scope="col">Newest there</th>
            <th scope="col">Behind</th>
            <th scope="col">Transfer</th>
          </tr>
        </thead>
        <tbody>
          {copies.map((copy) => {
            const { image, replica, state, newest, is_online } = copy;
            const name = by === 'image' ? image : replica;
            return (
              <tr key={name}>
                <td>
                  <a href={by === 'image' ? imagePath(image) : replicaPath(replica)}>{name}</a>
                  {is_online || by === 'image' ? null : <span class="dim"> offline</span>}
                </td>
                <td>
                  <StateBadge words={copyWords(state)} is_plain />
                </td>
                <td class="mono">{newest}</td>
                <td class="nowrap">{behindWords(copy)}</td>
                <td>
                  <Transfers copy={copy} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
