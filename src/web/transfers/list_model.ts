/** The list of transfers: what is asked for, what of it is loaded, and what has changed since. */
import type { TransferFilter, TransferOrder, TransferReport } from '../../core/report.js';
import { shownState } from '../ui/state_words.js';

/** Rows that are loaded at a time. */
export const page_rows = 100;

export interface ListFilter {
  readonly states: readonly string[];
  readonly image: string;
  readonly replica: string;
  readonly text: string;
  readonly sort: TransferOrder;
  readonly direction: 'up' | 'down';
}

const orders: readonly TransferOrder[] = ['created', 'updated', 'image', 'replica', 'state'];
/** How each order begins when it is chosen: times with the newest, names with the first. */
export const first_direction: Readonly<Record<TransferOrder, 'up' | 'down'>> = {
  created: 'down',
  updated: 'down',
  image: 'up',
  replica: 'up',
  state: 'up',
};

/** @param search what stands in the address behind `?` */
export function readFilter(search: string): ListFilter {
  const query = new URLSearchParams(search);
  const sort = orders.find((order) => order === query.get('sort')) ?? 'created';
  const direction = query.get('direction');
  return {
    states: (query.get('state') ?? '').split(',').filter((state) => state !== ''),
    image: query.get('image') ?? '',
    replica: query.get('replica') ?? '',
    text: query.get('text') ?? '',
    sort,
    direction: direction === 'up' || direction === 'down' ? direction : first_direction[sort],
  };
}

/** What stands in the address for a filter; what is as always is left out. */
export function writeFilter({ states, sort, direction, ...rest }: ListFilter): Record<string, string> {
  return {
    ...rest,
    state: states.join(','),
    sort: sort === 'created' ? '' : sort,
    direction: direction === first_direction[sort] ? '' : direction,
  };
}

/** What the master is asked; empty values are left out of the question. */
export function askedOf({ states, ...rest }: ListFilter): Record<keyof ListFilter, string> {
  return { ...rest, states: states.join(',') };
}

/** The filter without what is chosen by its states, for the counts beside the states. */
export function countedOf({ image, replica, text }: ListFilter): Omit<TransferFilter, 'states'> {
  return { image, replica, text };
}

export function fits(transfer: TransferReport, { states, image, replica, text }: ListFilter): boolean {
  if (states.length > 0 && !states.includes(shownState(transfer))) return false;
  if (image !== '' && transfer.image !== image) return false;
  if (replica !== '' && transfer.replica !== replica) return false;
  const { id, number } = transfer;
  return [id, transfer.image, number, transfer.replica].join('\n').toLowerCase().includes(text.toLowerCase());
}

/** Rows by the number of their page, as they were when they were loaded, but for what has changed in them since. */
export type Pages = ReadonlyMap<number, readonly TransferReport[]>;

export function rowAt(pages: Pages, index: number): TransferReport | undefined {
  return pages.get(Math.floor(index / page_rows))?.[index % page_rows];
}

/** Numbers of the pages in which these rows are. */
export function pagesOf(begin: number, end: number): number[] {
  if (end <= begin) return [];
  const first = Math.floor(begin / page_rows);
  const last = Math.floor((end - 1) / page_rows);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** The same rows in the same places, with what has changed in them; the same map if nothing has. */
export function withChanged(pages: Pages, changed: readonly TransferReport[]): Pages {
  const by_id = new Map(changed.map((transfer) => [transfer.id, transfer]));
  let has_changed = false;
  const next = new Map(pages);
  for (const [page, rows] of pages) {
    if (!rows.some(({ id }) => by_id.has(id))) continue;
    has_changed = true;
    next.set(
      page,
      rows.map((row) => by_id.get(row.id) ?? row),
    );
  }
  return has_changed ? next : pages;
}

/** Ids of those that would stand in the list, or no longer, if it were loaded now. */
export function movedBy(pages: Pages, changed: readonly TransferReport[], filter: ListFilter): string[] {
  const shown = new Set([...pages.values()].flat().map(({ id }) => id));
  return changed.filter((one) => fits(one, filter) !== shown.has(one.id)).map(({ id }) => id);
}

/** How many there are in the chosen states. */
export function totalOf(counts: Readonly<Record<string, number>>, states: readonly string[]): number {
  const chosen = states.length === 0 ? Object.keys(counts) : states;
  return chosen.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

const redrivable = ['failed', 'parked', 'cancelled'];

/** The states whose transfers can be run again, of those that are shown; of all of them it is the failed. */
export function redrivenStates({ states }: ListFilter): readonly string[] {
  return states.length === 0 ? ['failed'] : redrivable.filter((state) => states.includes(state));
}
