import { tellError } from './actions.js';
import { is_locked, logOut } from './api.js';
import { now_ms } from './clock.js';
import { link, master } from './live.js';
import { path } from './router.js';
import { fleet_path, replicas_path, transfers_path } from './routes.js';
import { type Theme, setTheme, theme, theme_names } from './theme.js';
import { Button } from './ui/button.js';
import { formatShortDuration, formatTime } from './ui/format.js';
import type { IconName } from './ui/shapes.js';

const places = [
  { name: 'Fleet', href: fleet_path },
  { name: 'Transfers', href: transfers_path },
  { name: 'Replicas', href: replicas_path },
];

function isIn(href: string, where: string): boolean {
  if (href === fleet_path) return where === fleet_path || where.startsWith('/images/');
  return where === href || where.startsWith(`${href}/`);
}

/** After so long without the master, the word for it is offline. */
const offline_ms_min = 5_000;

function linkWords(): { readonly tone: string; readonly words: string; readonly title: string } {
  const { kind, since_ms } = link.value;
  const for_ms = now_ms.value - since_ms;
  const title = `since ${formatTime(since_ms)}`;
  if (kind === 'live') return { tone: 'good', words: 'live', title: `What you see is what is, ${title}` };
  if (kind === 'asleep') return { tone: 'off', words: 'asleep', title };
  if (for_ms < offline_ms_min) {
    return { tone: 'warning', words: kind === 'connecting' ? 'connecting' : 'reconnecting', title };
  }
  return { tone: 'bad', words: `offline for ${formatShortDuration(for_ms / 1_000)}`, title };
}

function LinkState() {
  const { tone, words, title } = linkWords();
  return (
    <span class={`link-state tone-${tone}`} title={title} role="status" aria-live="polite">
      <span class="link-dot" aria-hidden="true" />
      {words}
    </span>
  );
}

const theme_icons: Readonly<Record<Theme, IconName>> = { system: 'half', light: 'sun', dark: 'moon' };
const theme_words: Readonly<Record<Theme, string>> = {
  system: 'as the system',
  light: 'light',
  dark: 'dark',
};

function ThemeSwitch() {
  const now = theme.value;
  const next = theme_names[(theme_names.indexOf(now) + 1) % theme_names.length] ?? 'system';
  return (
    <Button
      kind="quiet"
      icon={theme_icons[now]}
      label={`Colours: ${theme_words[now]}; change to ${theme_words[next]}`}
      onClick={() => setTheme(next)}
    />
  );
}

export function TopBar() {
  const where = path.value;
  return (
    <header class="top">
      <a class="brand" href={fleet_path} aria-label="icbdrep, to the fleet">
        <span class="brand-mark" aria-hidden="true" />
        <span class="brand-name">icbdrep</span>
        {master.value === null ? null : <span class="brand-node">{master.value.node}</span>}
      </a>
      {is_locked.value ? null : (
        <nav class="nav" aria-label="Views">
          {places.map(({ name, href }) => (
            <a key={href} href={href} aria-current={isIn(href, where) ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
      )}
      <div class="top-end">
        {is_locked.value ? null : <LinkState />}
        <ThemeSwitch />
        {is_locked.value ? null : (
          <Button
            kind="quiet"
            icon="exit"
            label="Log out"
            onClick={() => void logOut().catch((error: unknown) => tellError(error, 'Log out'))}
          />
        )}
      </div>
    </header>
  );
}
