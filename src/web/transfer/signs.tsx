/** The signs of a player, on 16 by 16. */
const paths = {
  first: 'M4 3.5v9M12.2 3.6 6.4 8l5.8 4.4Z',
  back: 'M10.8 3.6 5 8l5.8 4.4Z',
  play: 'M5 3.2 12.4 8 5 12.8Z',
  halt: 'M5.4 3.8v8.4M10.6 3.8v8.4',
  forward: 'M5.2 3.6 11 8l-5.8 4.4Z',
  last: 'M12 3.5v9M3.8 3.6 9.6 8l-5.8 4.4Z',
} as const;

export function Sign({ name }: { name: keyof typeof paths }) {
  return (
    <svg class="icon sign" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
