/** Where the page is: real addresses, real links, the browser's own history. */
import { computed, signal } from '@preact/signals';
import { viewOf } from './routes.js';

const place = signal({ path: location.pathname, search: location.search });

/** The view that the address names. */
export const view = computed(() => viewOf(place.value.path));
/** What stands behind `?`; changes with each change of it. */
export const search = computed(() => place.value.search);
/** The path alone, for what is lit in the navigation. */
export const path = computed(() => place.value.path);

function read(): void {
  place.value = { path: location.pathname, search: location.search };
}

/** @param to path with what stands behind `?` */
export function navigate(to: string, { is_replacing = false } = {}): void {
  if (to === location.pathname + location.search) return;
  if (is_replacing) history.replaceState(history.state, '', to);
  else history.pushState(null, '', to);
  const is_other_view = location.pathname !== place.peek().path;
  read();
  if (is_other_view) scrollTo(0, 0);
}

/** Changes what stands behind `?` without a new entry in the history. Empty values are left out. */
export function setSearch(values: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(values).filter(([, value]) => value !== '');
  const query = new URLSearchParams(pairs).toString();
  navigate(location.pathname + (query === '' ? '' : `?${query}`), { is_replacing: true });
}

/** A click that the browser would answer by loading this page anew. */
function linkOf(event: MouseEvent): HTMLAnchorElement | undefined {
  if (event.defaultPrevented || event.button !== 0) return undefined;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return undefined;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || link.target !== '' || link.hasAttribute('download')) return undefined;
  const is_of_page = link.origin === location.origin && !/^\/(v1|assets|metrics)/.test(link.pathname);
  return is_of_page && link.getAttribute('href')?.startsWith('#') !== true ? link : undefined;
}

/** Follows links of the page without loading it anew. @returns what stops it */
export function startRouter(): () => void {
  const stop = new AbortController();
  const { signal: until } = stop;
  addEventListener('popstate', read, { signal: until });
  document.addEventListener(
    'click',
    (event) => {
      const link = linkOf(event);
      if (link === undefined) return;
      event.preventDefault();
      navigate(link.pathname + link.search);
    },
    { signal: until },
  );
  return () => stop.abort();
}
