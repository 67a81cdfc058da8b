/** Small things about text. */

/** `an image`, `a transfer`. */
export function withArticle(kind: string): string {
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

/** How many times, as it stands behind what was done so often. */
export function timesText(count: number): string {
  return `×${count}`;
}

/** Without characters that would begin a new line, or that a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ');
}

/**
 * Lines of at most so many columns, as far as words allow; the first keeps the spaces that it begins with.
 * @param indent columns that the lines behind the first begin with, more than those
 */
export function wrapped(text: string, columns: number, indent = 2): string[] {
  const [spaces = ''] = /^ */.exec(text) ?? [];
  const lines: string[] = [];
  let line = spaces;
  let is_empty = true;
  for (const word of text.trim().split(' ')) {
    if (!is_empty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = spaces + ' '.repeat(indent);
      is_empty = true;
    }
    line += is_empty ? word : ` ${word}`;
    is_empty = false;
  }
  return [...lines, line];
}
