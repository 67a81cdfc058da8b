/** Numbers and times in the words that people use. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** For example `1.4 GiB`; at most four characters of number. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

export function formatRate(bytes_per_s: number): string {
  return `${formatBytes(bytes_per_s)}/s`;
}

const join = (big: string, small: number, unit: string): string =>
  small === 0 ? big : `${big} ${small} ${unit}`;

/** The two largest parts that count: `45 s`, `3 min 20 s`, `2 h 5 min`, `4 d 6 h`, `312 d`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [s, min, h, d] = [
    whole % 60,
    Math.floor(whole / 60) % 60,
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 86_400),
  ];
  if (d >= 30) return `${d} d`;
  if (d > 0) return join(`${d} d`, h, 'h');
  if (h > 0) return join(`${h} h`, min, 'min');
  if (min > 0) return join(`${min} min`, s, 's');
  return `${s} s`;
}

/** As `formatDuration`, with one part only: for places where there is no room. */
export function formatShortDuration(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3_600) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** For example `3 min ago`, `in 20 s`, `just now`. */
export function formatRelative(at_ms: number, now_ms: number): string {
  const seconds = (now_ms - at_ms) / 1_000;
  if (Math.abs(seconds) < 2) return 'just now';
  const size = formatShortDuration(Math.abs(seconds));
  return seconds > 0 ? `${size} ago` : `in ${size}`;
}

/** As `formatRelative`, of what has happened: it is never to come, also when the clock of now is a little behind. */
export function formatAgo(at_ms: number, now_ms: number): string {
  return formatRelative(Math.min(at_ms, now_ms), now_ms);
}

const two = (value: number): string => String(value).padStart(2, '0');

/** In the reader's time zone: `2026-11-23 14:05:09`. */
export function formatTime(at_ms: number): string {
  const at = new Date(at_ms);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** As `formatTime`, without the day if it is that of now. */
export function formatShortTime(at_ms: number, now_ms: number): string {
  const [at, now] = [formatTime(at_ms), formatTime(now_ms)];
  return at.slice(0, 10) === now.slice(0, 10) ? at.slice(11) : at.slice(0, 16);
}

/** Groups of three with a narrow space: `12 345`. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** `1 snapshot`, `3 snapshots`. */
export function formatNumberOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Between 0 and 1, and null where the end is not known. */
export function fractionOf(done: number, total: number | null): number | null {
  if (total === null || total <= 0) return null;
  return Math.min(1, Math.max(0, done / total));
}
