/** Values of a context, on one line. */

const shown_most = 320;

/** As JSON, cut where it is long. */
export function valueText(value: unknown): string {
  const text = typeof value === 'string' ? (value === '' ? 'empty' : value) : JSON.stringify(value);
  return text.length > shown_most ? `${text.slice(0, shown_most)}…` : text;
}
