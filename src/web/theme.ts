/** Dark or light: as the system wants it, unless somebody chose. */
import { signal } from '@preact/signals';

export const theme_names = ['system', 'light', 'dark'] as const;
export type Theme = (typeof theme_names)[number];

const key = 'icbdrep.theme';

function readTheme(): Theme {
  const kept = localStorage.getItem(key);
  return theme_names.find((name) => name === kept) ?? 'system';
}

export const theme = signal<Theme>(readTheme());
/** Grows when colours have changed: for what is painted and not styled. */
export const repaints = signal(0);

export function setTheme(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === 'system') localStorage.removeItem(key);
  else localStorage.setItem(key, chosen);
  applyTheme();
}

function applyTheme(): void {
  const chosen = theme.peek();
  if (chosen === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen;
  repaints.value += 1;
}

export function startTheme(): void {
  applyTheme();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    repaints.value += 1;
  });
}

/** What a colour of the styles is now, for a canvas. @param name for example `--moving` */
export function readColour(name: `--${string}`): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
