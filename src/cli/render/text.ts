/** Characters that move the cursor or change the terminal; names and messages may come from a peer. */
const control = /\p{Cc}/gu;

/** `text` in one line, with nothing in it that a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(/\r?\n|\t/g, ' ').replaceAll(control, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

const wide =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff01-\uff60]/u;
const zero_width = /\p{Mark}|\u200b|\u200d|\ufe0f/u;

function widthOfCharacter(character: string): number {
  if (character <= '~') return 1;
  if (zero_width.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** Columns that `text` takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** `text` in at most `columns` columns; what was cut off shows as `…`. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let result = '';
  let width = 0;
  for (const character of text) {
    width += widthOfCharacter(character);
    if (width > columns - 1) break;
    result += character;
  }
  return columns > 0 ? `${result}…` : '';
}

/** `text` filled with spaces to `columns` columns. */
export function pad(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, columns - widthOf(text)));
  return align === 'left' ? text + space : space + text;
}

/** `1 transfer`, `2 transfers`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
