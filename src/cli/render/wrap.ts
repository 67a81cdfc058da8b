/** Text that is longer than a line: broken between words, never cut. */
import { pad, printable, widthOf } from './text.js';
import type { Cell } from './table.js';
import { type View, styled } from './view.js';

/** Narrower than this nothing is readable; columns. */
const columns_min = 16;

/** A word that is longer than a line, in pieces that fit. */
function pieces(word: string, columns: number): string[] {
  if (widthOf(word) <= columns) return [word];
  const parts: string[] = [];
  let part = '';
  for (const character of word) {
    if (part !== '' && widthOf(part + character) > columns) {
      parts.push(part);
      part = '';
    }
    part += character;
  }
  return [...parts, part];
}

/**
 * Lines of at most `columns` columns; null: one line.
 * @param text printable
 */
export function wrap(text: string, columns: number | null): string[] {
  if (columns === null) return [text];
  const width = Math.max(columns_min, columns);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((one) => pieces(one, width))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && widthOf(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

/**
 * A name and its value on each line, the values in one column and wrapped in it. A field without a name goes on with
 * the one before; one with an empty value is left out.
 */
export function renderWrapped(fields: readonly (readonly [string, Cell])[], view: View): string {
  const shown = fields
    .map(([name, cell]) => ({ name, ...(typeof cell === 'string' ? { text: cell } : cell) }))
    .filter(({ text }) => text !== '');
  const indent = Math.max(0, ...shown.map(({ name }) => widthOf(name))) + 2;
  const room = view.columns === null ? null : view.columns - indent;
  return shown
    .flatMap(({ name, text, style }) =>
      wrap(printable(text), room).map((line, index) => {
        const lead = styled(pad(index === 0 ? name : '', indent), 'dim', view);
        return `${lead}${styled(line, style, view)}\n`;
      }),
    )
    .join('');
}
