import { cut, pad, printable, widthOf } from './text.js';
import { type Style, type View, styled } from './view.js';

export type Cell = string | { readonly text: string; readonly style?: Style | undefined };

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

interface Piece {
  readonly text: string;
  readonly style: Style | undefined;
}

const gap = '  ';

function toPiece(cell: Cell | undefined): Piece {
  if (cell === undefined) return { text: '', style: undefined };
  if (typeof cell === 'string') return { text: printable(cell), style: undefined };
  return { text: printable(cell.text), style: cell.style };
}

/** Pads before it colours: escape codes have no width. */
function renderLine(
  pieces: readonly Piece[],
  aligns: readonly Column['align'][],
  widths: readonly number[],
  view: View,
): string {
  let line = '';
  let room = view.columns ?? Number.POSITIVE_INFINITY;
  for (const [index, piece] of pieces.entries()) {
    const padded = pad(piece.text, widths[index] ?? 0, aligns[index]);
    const with_gap = index === 0 ? padded : gap + padded;
    const text = cut(index === pieces.length - 1 ? with_gap.trimEnd() : with_gap, room);
    room -= widthOf(text);
    line += styled(text, piece.style, view);
  }
  return view.color ? line : line.trimEnd();
}

function renderLines(
  rows: readonly (readonly Piece[])[],
  aligns: readonly Column['align'][],
  view: View,
): string {
  const widths = (rows[0] ?? []).map((_, index) =>
    Math.max(...rows.map((row) => widthOf(row[index]?.text ?? ''))),
  );
  return rows.map((row) => `${renderLine(row, aligns, widths, view)}\n`).join('');
}

/** Aligned columns under their titles; each line ends with a line feed, and is cut at the view's width. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  view: View,
): string {
  const titles = columns.map(({ title }): Piece => ({ text: title, style: 'dim' }));
  const pieces = rows.map((row) => columns.map((_, index) => toPiece(row[index])));
  return renderLines(
    [titles, ...pieces],
    columns.map(({ align }) => align),
    view,
  );
}

/** The same without titles; all rows have as many cells. */
export function renderRows(rows: readonly (readonly Cell[])[], view: View): string {
  return renderLines(
    rows.map((row) => row.map(toPiece)),
    [],
    view,
  );
}

/** A name and its value on each line, the values in one column; those with an empty value are left out. */
export function renderFields(fields: readonly (readonly [string, Cell])[], view: View): string {
  const rows = fields
    .map(([name, cell]): readonly Piece[] => [{ text: name, style: 'dim' }, toPiece(cell)])
    .filter(([, value]) => value?.text !== '');
  return renderLines(rows, [], { ...view, columns: null });
}
