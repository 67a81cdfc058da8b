/** Which cell of a grid a key leads to. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

interface Size {
  readonly replicas: { readonly length: number };
  readonly images: { readonly length: number };
}

const page_rows = 12;

/** @returns undefined for a key that leads nowhere */
export function moveIn(key: string, is_ctrl: boolean, { row, column }: Place, size: Size): Place | undefined {
  const last_row = size.replicas.length - 1;
  const last_column = size.images.length - 1;
  const at = (to_row: number, to_column: number): Place => ({
    row: Math.min(last_row, Math.max(0, to_row)),
    column: Math.min(last_column, Math.max(0, to_column)),
  });
  switch (key) {
    case 'ArrowDown':
    case 'j':
      return at(row + 1, column);
    case 'ArrowUp':
    case 'k':
      return at(row - 1, column);
    case 'ArrowRight':
    case 'l':
      return at(row, column + 1);
    case 'ArrowLeft':
    case 'h':
      return at(row, column - 1);
    case 'PageDown':
      return at(row + page_rows, column);
    case 'PageUp':
      return at(row - page_rows, column);
    case 'Home':
      return at(is_ctrl ? 0 : row, 0);
    case 'End':
      return at(is_ctrl ? last_row : row, last_column);
    default:
      return undefined;
  }
}
