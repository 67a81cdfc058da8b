import { useMemo } from 'preact/hooks';
import type { CopyReport, FleetReport } from '../../core/fleet_report.js';
import { slow_now_ms } from '../clock.js';
import { replicaPath } from '../routes.js';
import { formatCount } from '../ui/format.js';
import { StateBadge } from '../ui/state_badge.js';
import { replicaWords } from '../ui/state_words.js';
import { copyCell } from './copy_cell.js';
import { lagNow } from './copy_words.js';
import type { CopyIndex, FleetGrid } from './fleet_model.js';

interface Props {
  readonly grid: FleetGrid;
  readonly index: CopyIndex;
  readonly report_at_ms: number;
  /** With a filter, what fits it is shown even if nothing is wrong with it. */
  readonly states: readonly string[];
  readonly onPick: (replica: string, image: string, cell: HTMLElement) => void;
}

interface CardProps extends Omit<Props, 'grid'> {
  readonly replica: FleetReport['replicas'][number];
  readonly images: FleetGrid['images'];
}

function isTold(copy: CopyReport, states: readonly string[], all: number): boolean {
  if (states.some((state) => state !== 'offline')) return states.includes(copy.state);
  return copy.state !== 'in_sync' || all <= 4;
}

function ReplicaCard({ replica, images, index, report_at_ms, states, onPick }: CardProps) {
  const copies = index.get(replica.name);
  const now_ms = slow_now_ms.value;
  return useMemo(() => {
    const known = images.flatMap(({ name }) => copies?.get(name) ?? []);
    const told = known.filter((copy) => isTold(copy, states, known.length));
    const in_sync = known.filter(({ state }) => state === 'in_sync').length;
    return (
      <li class="replica-card card">
        <header>
          <a href={replicaPath(replica.name)} class="truncate">
            {replica.name}
          </a>
          <StateBadge words={replicaWords(replica.state)} is_plain />
          <span class="dim">
            {formatCount(in_sync)} of {formatCount(known.length)} in sync
          </span>
        </header>
        {told.length === 0 ? null : (
          <ul>
            {told.map((copy) => (
              <li key={copy.image}>
                <span class="truncate">{copy.image}</span>
                {copyCell({
                  copy,
                  lag_s: lagNow(copy, report_at_ms, now_ms),
                  is_reached: true,
                  is_roomy: true,
                  place: copy.image,
                })}
              </li>
            ))}
          </ul>
        )}
      </li>
    );
  }, [replica.name, replica.state, images, copies, report_at_ms, states, onPick, now_ms]);
}

/** The fleet on a phone: a card for each replica, with what is not in sync. */
export function FleetList({ grid, index, report_at_ms, states, onPick }: Props) {
  return (
    <ul
      class="fleet-list"
      onClick={(event) => {
        const cell =
          event.target instanceof Element ? event.target.closest<HTMLElement>('[data-copy]') : null;
        const [replica, image] = (cell?.dataset['copy'] ?? '').split('/');
        if (cell !== null && replica !== undefined && image !== undefined) onPick(replica, image, cell);
      }}
    >
      {grid.replicas.map((replica) => (
        <ReplicaCard
          key={replica.name}
          images={grid.images}
          {...{ replica, index, report_at_ms, states, onPick }}
        />
      ))}
    </ul>
  );
}
