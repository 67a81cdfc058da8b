import { signal } from '@preact/signals';

const narrow = matchMedia('(max-width: 720px)');

/** Whether the page is as narrow as a phone. */
export const is_narrow = signal(narrow.matches);
narrow.addEventListener('change', () => {
  is_narrow.value = narrow.matches;
});
