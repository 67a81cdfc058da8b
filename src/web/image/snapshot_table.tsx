import { useMemo, useState } from 'preact/hooks';
import type { CopyReport } from '../../core/fleet_report.js';
import type { SnapshotReport } from '../../core/report.js';
import { replicaPath } from '../routes.js';
import { EmptyState } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { formatCount, formatNumberOf } from '../ui/format.js';
import { FullTime } from '../ui/time.js';
import { type SnapshotRow, needWords, snapshotRows } from './needs.js';

const rows_at_once = 50;
const names_shown = 3;

function Replicas({ names }: { names: readonly string[] }) {
  const left = names.length - names_shown;
  return (
    <>
      {names.slice(0, names_shown).map((name, index) => (
        <span key={name}>
          {index === 0 ? '' : ', '}
          <a href={replicaPath(name)}>{name}</a>
        </span>
      ))}
      {left > 0 ? (
        <span class="dim" title={names.slice(names_shown).join(', ')}>
          {' '}
          and {left} more
        </span>
      ) : null}
    </>
  );
}

function Row({ row, onSend }: { row: SnapshotRow; onSend: (number: string) => void }) {
  const { snapshot, newest_on, lacking_on } = row;
  const { number, created_at_ms, needed_by } = snapshot;
  return (
    <tr>
      <th scope="row" class="mono">
        {number}
      </th>
      <td class="nowrap">
        <FullTime at_ms={created_at_ms} />
      </td>
      <td>{newest_on.length === 0 ? null : <Replicas names={newest_on} />}</td>
      <td>
        {lacking_on.length === 0 ? (
          <span class="dim">none</span>
        ) : (
          <span title={lacking_on.join(', ')}>{formatNumberOf(lacking_on.length, 'replica')}</span>
        )}
      </td>
      <td class="needs">
        {needed_by === null || needed_by.length === 0 ? (
          <span class="dim">nobody</span>
        ) : (
          <ul>
            {needed_by.map((need) => (
              <li key={`${need.kind} ${need.node} ${need.transfer}`}>{needWords(need)}</li>
            ))}
          </ul>
        )}
      </td>
      <td class="row-action">
        <Button is_small label={`Send ${number} to…`} onClick={() => onSend(number)}>
          Send to…
        </Button>
      </td>
    </tr>
  );
}

interface Props {
  readonly snapshots: readonly SnapshotReport[];
  readonly copies: readonly CopyReport[];
  readonly onSend: (number: string) => void;
}

/** The snapshots on the master, the newest first, with who holds and who needs them. */
export function SnapshotTable({ snapshots, copies, onSend }: Props) {
  const [most, setMost] = useState(rows_at_once);
  const rows = useMemo(() => snapshotRows(snapshots, copies), [snapshots, copies]);
  if (rows.length === 0) return <EmptyState title="There is no snapshot of it yet" />;
  return (
    <>
      <div class="table-scroll">
        <table class="table snapshot-table">
          <thead>
            <tr>
              <th scope="col">Snapshot</th>
              <th scope="col">Taken</th>
              <th scope="col">Newest on</th>
              <th scope="col">Missing on</th>
              <th scope="col">Needed</th>
              <th scope="col">
                <span class="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, most).map((row) => (
              <Row key={row.snapshot.number} row={row} onSend={onSend} />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > most ? (
        <div class="timeline-more">
          <Button onClick={() => setMost(most + 4 * rows_at_once)}>
            Show older ({formatCount(rows.length - most)})
          </Button>
        </div>
      ) : null}
    </>
  );
}
