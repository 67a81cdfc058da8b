/** The shapes of states and a few signs, all drawn on 16 by 16 with the colour of the text. */
import { type JSX, render } from 'preact';
import type { Shape } from './state_words.js';

export type IconName =
  | Shape
  | 'search'
  | 'plus'
  | 'sun'
  | 'moon'
  | 'half'
  | 'close'
  | 'up'
  | 'down'
  | 'redo'
  | 'rows'
  | 'exit';

const lines = { fill: 'none', stroke: 'currentColor', 'stroke-width': 1.8 } as const;
const round = { 'stroke-linecap': 'round', 'stroke-linejoin': 'round' } as const;

const drawings: Readonly<Record<IconName, JSX.Element>> = {
  check: <path d="M3.5 8.5 6.7 11.6 12.6 4.9" {...lines} {...round} />,
  arrow: <path d="M2.8 8h9.4M8.6 4.3 12.4 8l-3.8 3.7" {...lines} {...round} />,
  clock: (
    <>
      <circle cx="8" cy="8" r="5.4" {...lines} />
      <path d="M8 5.2V8l2 1.5" {...lines} {...round} />
    </>
  ),
  pause: <path d="M5.8 4v8M10.2 4v8" {...lines} stroke-width={2.2} stroke-linecap="round" />,
  triangle: (
    <>
      <path d="M8 2.6 14 13H2Z" {...lines} {...round} stroke-width={1.6} />
      <path d="M8 6.4v3M8 11.2v.1" {...lines} {...round} stroke-width={1.6} />
    </>
  ),
  cross: <path d="M4.2 4.2 11.8 11.8M11.8 4.2 4.2 11.8" {...lines} stroke-width={2} stroke-linecap="round" />,
  stop: <rect x="4" y="4" width="8" height="8" rx="1.2" {...lines} />,
  ring: <circle cx="8" cy="8" r="4.6" {...lines} stroke-dasharray="2.4 2.4" />,
  slash: (
    <>
      <circle cx="8" cy="8" r="5.4" {...lines} />
      <path d="M4.4 11.6 11.6 4.4" {...lines} />
    </>
  ),
  question: (
    <>
      <path d="M5.6 6.2a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.1.9-1.1 1.6" {...lines} {...round} />
      <path d="M8 12.4v.1" {...lines} stroke-width={2.2} stroke-linecap="round" />
    </>
  ),
  link_off: (
    <path d="M5.5 10.5 4 12M12 4l-1.5 1.5M3 7.2l2.2-2.2M13 8.8l-2.2 2.2M3 3l10 10" {...lines} {...round} />
  ),
  wrench: (
    <>
      <path d="M8 2.4 13.6 8 8 13.6 2.4 8Z" {...lines} {...round} stroke-width={1.6} />
      <path d="M8 5.6v3M8 10.4v.1" {...lines} {...round} stroke-width={1.6} />
    </>
  ),
  search: (
    <>
      <circle cx="7" cy="7" r="4.2" {...lines} />
      <path d="M10.2 10.2 13.4 13.4" {...lines} {...round} />
    </>
  ),
  plus: <path d="M8 3.2v9.6M3.2 8h9.6" {...lines} {...round} />,
  sun: (
    <>
      <circle cx="8" cy="8" r="2.8" {...lines} />
      <path
        d="M8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M3.5 12.5l.8-.8M11.7 4.3l.8-.8"
        {...lines}
        {...round}
        stroke-width={1.5}
      />
    </>
  ),
  moon: <path d="M13 9.6A5.6 5.6 0 0 1 6.4 3 5.4 5.4 0 1 0 13 9.6Z" {...lines} {...round} />,
  half: (
    <>
      <circle cx="8" cy="8" r="5.4" {...lines} />
      <path d="M8 2.6a5.4 5.4 0 0 1 0 10.8Z" fill="currentColor" />
    </>
  ),
  close: <path d="M4.4 4.4 11.6 11.6M11.6 4.4 4.4 11.6" {...lines} stroke-linecap="round" />,
  up: <path d="M4 9.8 8 5.8l4 4" {...lines} {...round} />,
  down: <path d="M4 6.2l4 4 4-4" {...lines} {...round} />,
  redo: <path d="M12.8 7A5 5 0 1 0 13 9.4M13.2 3.4V7H9.6" {...lines} {...round} />,
  exit: <path d="M6.4 3H3.6v10h2.8M7 8h6M10.6 5.2 13.4 8l-2.8 2.8" {...lines} {...round} />,
  rows: <path d="M3 4.2h10M3 8h10M3 11.8h10" {...lines} {...round} />,
};

/** Says nothing to screen readers: the word beside it does. */
export function Icon({ name, class: extra = '' }: { name: IconName; class?: string }) {
  return (
    <svg
      class={`icon ${extra}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      aria-hidden="true"
      focusable="false"
    >
      {drawings[name]}
    </svg>
  );
}

/**
 * Gives the shapes to the styles, as `--shape-check` and so on: for what there are thousands of. The elements of class
 * `shape-check` then have it before them.
 */
export function giveShapes(names: readonly Shape[]): void {
  const place = document.createElement('div');
  for (const name of names) {
    render(<Icon name={name} />, place);
    const drawing = place.firstElementChild;
    drawing?.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    const address = `url("data:image/svg+xml,${encodeURIComponent(place.innerHTML)}")`;
    document.documentElement.style.setProperty(`--shape-${name}`, address);
  }
}
