import type { TargetedFocusEvent, TargetedKeyboardEvent, TargetedMouseEvent } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { FleetReport } from '../../core/fleet_report.js';
import { slow_now_ms } from '../clock.js';
import { imagePath, replicaPath } from '../routes.js';
import { formatAgo, formatTime } from '../ui/format.js';
import { StateBadge } from '../ui/state_badge.js';
import { replicaWords } from '../ui/state_words.js';
import { useRowRange } from '../ui/virtual.js';
import { copyCell } from './copy_cell.js';
import { lagNow } from './copy_words.js';
import type { CopyIndex, FleetFilter, FleetGrid } from './fleet_model.js';
import { type Place, moveIn } from './grid_keys.js';

const row_px = 38;
/** With more images than these, cells have room for numbers only. */
export const roomy_columns_max = 6;

interface Props {
  readonly grid: FleetGrid;
  readonly index: CopyIndex;
  readonly report_at_ms: number;
  /** When it changes, the rows begin at the first again. */
  readonly filter: FleetFilter;
  /** A cell was asked about. */
  readonly onPick: (replica: string, image: string, cell: HTMLElement) => void;
}

function ImageHead({ image, column }: { image: FleetReport['images'][number]; column: number }) {
  const { name, newest, newest_at_ms } = image;
  const age = newest_at_ms === null ? '' : formatAgo(newest_at_ms, slow_now_ms.value);
  return (
    <th scope="col" aria-colindex={column}>
      <a href={imagePath(name)} class="truncate" title={name}>
        {name}
      </a>
      <span
        class="matrix-newest"
        title={newest_at_ms === null ? undefined : `taken ${formatTime(newest_at_ms)}`}
      >
        {newest === '' ? 'no snapshot' : `${newest} · ${age}`}
      </span>
    </th>
  );
}

interface RowProps extends Omit<Props, 'onPick' | 'filter'> {
  readonly replica: FleetReport['replicas'][number];
  readonly row: number;
  /** The column of its cell that the Tab key comes to; -1: none. */
  readonly reached: number;
}

/** Made anew only when something of the row has changed. */
function MatrixRow({ replica, row, reached, grid, index, report_at_ms }: RowProps) {
  const copies = index.get(replica.name);
  const is_offline = replica.state === 'offline';
  const now_ms = slow_now_ms.value;
  const is_roomy = grid.images.length <= roomy_columns_max;
  return useMemo(
    () => (
      <tr aria-rowindex={row + 2} class={is_offline ? 'row-offline' : undefined}>
        <th scope="row">
          <a href={replicaPath(replica.name)} class="truncate" title={replica.name}>
            {replica.name}
          </a>
          {replica.state === 'online' ? null : <StateBadge words={replicaWords(replica.state)} is_plain />}
        </th>
        {grid.images.map((image, column) => {
          const copy = copies?.get(image.name);
          return (
            <td key={image.name}>
              {copy === undefined ? (
                <span class="cell-none">not replicated</span>
              ) : (
                copyCell({
                  copy,
                  lag_s: lagNow(copy, report_at_ms, now_ms),
                  is_reached: reached === column,
                  is_roomy,
                  place: `${row}:${column}`,
                })
              )}
            </td>
          );
        })}
      </tr>
    ),
    [row, replica.name, replica.state, reached, grid.images, copies, report_at_ms, now_ms],
  );
}

function placeOf(element: EventTarget | null): Place | undefined {
  const cell = element instanceof Element ? element.closest<HTMLElement>('[data-place]') : null;
  const [row, column] = (cell?.dataset['place'] ?? '').split(':').map(Number);
  return row === undefined || column === undefined ? undefined : { row, column };
}

/** Replicas down, images across. Arrow keys go from cell to cell; Enter asks about one. */
export function Matrix({ grid, index, report_at_ms, filter, onPick }: Props) {
  const { replicas, images } = grid;
  const [reached, setReached] = useState<Place>({ row: 0, column: 0 });
  /** Where the keys are, also while the focus is on its way there. */
  const now = useRef(reached);
  const is_moved_by_key = useRef(false);
  const box = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const { begin, end, look } = useRowRange(body, replicas.length, row_px);
  useLayoutEffect(() => {
    if (box.current !== null) box.current.scrollTop = 0;
    look();
  }, [filter]);
  useLayoutEffect(() => {
    if (!is_moved_by_key.current) return;
    is_moved_by_key.current = false;
    box.current?.querySelector<HTMLElement>(`[data-place="${reached.row}:${reached.column}"]`)?.focus();
  }, [reached]);
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLElement>): void => {
    const is_cell = placeOf(event.target) !== undefined;
    const to = is_cell ? moveIn(event.key, event.ctrlKey, now.current, grid) : undefined;
    if (to === undefined || box.current === null) return;
    event.preventDefault();
    showRow(box.current, to.row);
    look();
    now.current = to;
    is_moved_by_key.current = true;
    setReached(to);
  };
  const onFocus = (event: TargetedFocusEvent<HTMLElement>): void => {
    now.current = placeOf(event.target) ?? now.current;
  };
  const onClick = (event: TargetedMouseEvent<HTMLElement>): void => {
    const place = placeOf(event.target);
    const cell = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-place]') : null;
    const replica = place === undefined ? undefined : replicas[place.row];
    const image = place === undefined ? undefined : images[place.column];
    if (place === undefined || cell === null || replica === undefined || image === undefined) return;
    setReached(place);
    onPick(replica.name, image.name, cell);
  };
  return (
    <div class="matrix-box card" data-scrolls ref={box}>
      <div class="matrix-body" ref={body} style={{ height: `${(replicas.length + 1) * row_px + 10}px` }}>
        <table
          class="matrix"
          aria-label="Replicas by images"
          aria-rowcount={replicas.length + 1}
          onKeyDown={onKeyDown}
          onFocusIn={onFocus}
          onMouseOver={explain}
          onClick={onClick}
        >
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col" class="matrix-corner">
                Replica
              </th>
              {images.map((image, column) => (
                <ImageHead key={image.name} image={image} column={column + 2} />
              ))}
            </tr>
          </thead>
          <tbody>
            {begin === 0 ? null : <tr aria-hidden="true" style={{ height: `${begin * row_px}px` }} />}
            {replicas.slice(begin, end).map((replica, offset) => (
              <MatrixRow
                key={replica.name}
                {...{ replica, grid, index, report_at_ms }}
                row={begin + offset}
                reached={reached.row === begin + offset ? reached.column : -1}
              />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

/** What a cell says to screen readers, the pointer is told when it comes. */
function explain({ target }: TargetedMouseEvent<HTMLElement>): void {
  const cell = target instanceof Element ? target.closest<HTMLElement>('[data-place]') : null;
  if (cell !== null) cell.title = cell.ariaLabel ?? '';
}

/** Scrolls the box so far that the row can be seen under its head. */
function showRow(box: HTMLElement, row: number): void {
  const head_px = row_px + 10;
  const top = row * row_px;
  const room = box.clientHeight - head_px;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + row_px > box.scrollTop + room) box.scrollTop = top + row_px - room;
}
