/** How text for people is to look. */
export interface View {
  /** Unix ms; what "ago" and "in" are counted from. */
  readonly now_ms: number;
  /** Lines are cut here; null: never. */
  readonly columns: number | null;
  readonly color: boolean;
}

const style_codes = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  cyan: '36',
} as const;

/** Never the only carrier of a meaning: every state is told in words as well. */
export type Style = keyof typeof style_codes;

/** `text` in a style, if the view has colours. */
export function styled(text: string, style: Style | undefined, view: View): string {
  if (!view.color || style === undefined || text === '') return text;
  return `\u001b[${style_codes[style]}m${text}\u001b[0m`;
}

/** The style of a transfer's or node's state. */
export function styleOfState(state: string): Style | undefined {
  if (state === 'completed' || state === 'online' || state === 'present') return 'green';
  if (state === 'failed' || state === 'parked' || state === 'missing' || state === 'refused') return 'red';
  if (state === 'resting' || state === 'offline' || state === 'cancelled' || state === 'unclean')
    return 'yellow';
  if (state === 'suspect') return 'yellow';
  if (state === 'sending' || state === 'receiving' || state === 'back') return 'cyan';
  return undefined;
}
