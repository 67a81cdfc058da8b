/** Who has what: images by replicas in a table, or, where that is too wide, what is not in sync in a list. */
import type { CopyReport, FleetReport } from '../../core/fleet_report.js';
import { type Cell, renderRows, renderTable } from './table.js';
import { counted, printable, widthOf } from './text.js';
import { formatDuration, formatRelative } from './units.js';
import { type Style, type View, styled } from './view.js';

/** Each state has a symbol and a word; the colour only repeats them. */
const states: Readonly<Record<CopyReport['state'], { symbol: string; word: string; style: Style }>> = {
  in_sync: { symbol: '✓', word: 'in sync', style: 'green' },
  behind: { symbol: '↓', word: 'behind', style: 'yellow' },
  in_transfer: { symbol: '→', word: 'in transfer', style: 'cyan' },
  failed: { symbol: '✗', word: 'failed', style: 'red' },
  empty: { symbol: '○', word: 'empty', style: 'yellow' },
  unknown: { symbol: '?', word: 'unknown', style: 'dim' },
};

/** The order in which somebody has to look at them. */
const urgency: readonly CopyReport['state'][] = [
  'failed',
  'behind',
  'empty',
  'unknown',
  'in_transfer',
  'in_sync',
];

/** Columns where nobody says how many there are. */
const columns_assumed = 100;

export interface FleetChoice {
  readonly image?: string | undefined;
  /** Name or number. */
  readonly replica?: string | undefined;
  /** Only copies that lack a snapshot, or of which nothing is known. */
  readonly behind?: boolean | undefined;
}

/** What somebody wants to see of the fleet. */
export function chooseFromFleet(fleet: FleetReport, { image, replica, behind }: FleetChoice): FleetReport {
  const replicas = fleet.replicas.filter(
    ({ name, node_id }) => replica === undefined || name === replica || String(node_id) === replica,
  );
  const names = new Set(replicas.map(({ name }) => name));
  const copies = fleet.copies.filter(
    (copy) =>
      names.has(copy.replica) &&
      (image === undefined || copy.image === image) &&
      (behind !== true || copy.state !== 'in_sync'),
  );
  const shown = new Set(copies.map((copy) => copy.image));
  const isShown = (name: string): boolean => (behind === true ? shown.has(name) : true);
  return {
    ...fleet,
    images: fleet.images.filter(({ name }) => (image === undefined || name === image) && isShown(name)),
    replicas,
    copies,
  };
}

const lag = ({ lag_s }: CopyReport): string => formatDuration(lag_s * 1_000);

/** For example `✓ in sync`, `↓ 2 behind, 3 h 4 min`, `✗ failed, 2 behind, 3 h`. */
function cellOf(copy: CopyReport | undefined): Cell {
  if (copy === undefined) return '';
  const { symbol, word, style } = states[copy.state];
  const { snapshots_behind, is_online } = copy;
  const amount = snapshots_behind > 0 && copy.state !== 'empty' ? [`${snapshots_behind} behind`] : [];
  const parts = copy.state === 'behind' ? amount : [word, ...amount];
  if (snapshots_behind > 0) parts.push(lag(copy));
  return { text: `${symbol} ${parts.join(', ')}${is_online ? '' : ' (offline)'}`, style };
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

function tableOf(
  fleet: FleetReport,
  copies: ReadonlyMap<string, CopyReport>,
): {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  readonly width: number;
} {
  const titles = [
    'IMAGE',
    'NEWEST',
    ...fleet.replicas.map(({ name, state }) => (state === 'online' ? name : `${name} (${state})`)),
  ];
  const rows = fleet.images.map(({ name, newest }) => [
    printable(name),
    newest === '' ? 'none' : newest,
    ...fleet.replicas.map((replica) => cellOf(copies.get(`${name}/${replica.name}`))),
  ]);
  const widths = titles.map((title, index) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(textOf(row[index] ?? '')))),
  );
  return { titles, rows, width: widths.reduce((sum, width) => sum + width + 2, -2) };
}

/** A line for each copy that is not in sync, the urgent ones first. */
function renderList(copies: readonly CopyReport[], view: View): string {
  const wanting = copies
    .filter(({ state }) => state !== 'in_sync')
    .toSorted((a, b) => urgency.indexOf(a.state) - urgency.indexOf(b.state) || b.lag_s - a.lag_s);
  if (wanting.length === 0) return '';
  const rows = wanting.map((copy): Cell[] => [
    copy.image,
    copy.replica,
    cellOf(copy),
    copy.newest === '' ? '' : `has ${copy.newest}`,
  ]);
  const titles = ['IMAGE', 'REPLICA', 'STATE', 'NEWEST THERE'].map((title) => ({ title }));
  return renderTable(titles, rows, view);
}

function renderSummary({ copies }: FleetReport, view: View): string {
  const counts = urgency.toReversed().flatMap((state) => {
    const count = copies.filter((copy) => copy.state === state).length;
    const { symbol, word, style } = states[state];
    return count === 0 ? [] : [styled(`${symbol} ${count} ${word}`, style, view)];
  });
  const oldest = copies.reduce((max_s, copy) => Math.max(max_s, copy.lag_s), 0);
  const lag_text = oldest > 0 ? `; the longest lag is ${formatDuration(oldest * 1_000)}` : '';
  return copies.length === 0 ? '' : `${counts.join(', ')}${lag_text}\n`;
}

/** What to look at next: the transfers that failed, a few of them. */
function renderFailed({ copies }: FleetReport, view: View): string {
  const failed = copies.filter(({ failed_transfer }) => failed_transfer !== '');
  const shown = failed
    .slice(0, 5)
    .map((copy): Cell[] => [
      { text: `✗ ${copy.image} to ${copy.replica}`, style: 'red' },
      `icbdrep transfer show ${copy.failed_transfer}`,
    ]);
  const more = failed.length - shown.length;
  return renderRows(shown, view) + (more > 0 ? `and ${counted(more, 'more failed transfer')}\n` : '');
}

/** Knowledge that is old is said to be. */
function renderUnheard({ copies }: FleetReport, view: View): string {
  const offline = [...new Set(copies.filter(({ is_online }) => !is_online).map(({ replica }) => replica))];
  if (offline.length === 0) return '';
  const heard = copies.flatMap(({ is_online, known_at_ms }) =>
    !is_online && known_at_ms !== null ? [known_at_ms] : [],
  );
  const since =
    heard.length === 0 ? 'since this master started' : formatRelative(Math.min(...heard), view.now_ms);
  const names = offline.length <= 5 ? offline.join(', ') : counted(offline.length, 'replica');
  const told = heard.length === 0 ? `not heard of ${since}` : `heard of ${since}`;
  return `offline: ${printable(names)}, ${told}; what they hold may be another now\n`;
}

export function renderFleet(fleet: FleetReport, view: View): string {
  if (fleet.replicas.length === 0) return 'no such replicas: icbdrep replicas shows which there are\n';
  if (fleet.images.length === 0) return 'nothing to show: icbdrep images shows which images there are\n';
  const copies = new Map(fleet.copies.map((copy) => [`${copy.image}/${copy.replica}`, copy]));
  const { titles, rows, width } = tableOf(fleet, copies);
  const is_table = width <= (view.columns ?? columns_assumed);
  const body = is_table
    ? renderTable(
        titles.map((title) => ({ title })),
        rows,
        view,
      )
    : renderList(fleet.copies, view);
  return body + renderSummary(fleet, view) + renderFailed(fleet, view) + renderUnheard(fleet, view);
}
