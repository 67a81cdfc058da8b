/** Short notes at the edge of the page, read out by screen readers. */
import { signal } from '@preact/signals';

export interface Toast {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly text: string;
  /** Where more of it is told; empty: nowhere. */
  readonly href: string;
}

export const toasts = signal<readonly Toast[]>([]);
const shown_ms = 6_000;
const shown_most = 4;
let last_id = 0;

/** Shows a note for a while; one that says what another says takes its place. */
export function showToast(tone: Toast['tone'], text: string, href = ''): void {
  last_id += 1;
  const id = last_id;
  const others = toasts.peek().filter((toast) => toast.text !== text);
  toasts.value = [...others, { id, tone, text, href }].slice(-shown_most);
  setTimeout(() => dropToast(id), tone === 'bad' ? shown_ms * 2 : shown_ms);
}

export function dropToast(id: number): void {
  toasts.value = toasts.peek().filter((toast) => toast.id !== id);
}
