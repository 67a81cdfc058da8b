const byte_units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** For example `0 B`, `512 B`, `1.5 KiB`, `300.2 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.95 KiB would be printed as 1024.0 KiB.
  while (value >= 1023.95 && unit < byte_units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${byte_units[unit]}`;
}

/** For example `12.3 MiB/s`. */
export function formatRate(bytes_per_s: number): string {
  return `${formatBytes(bytes_per_s)}/s`;
}

/** Whole percent of a total, at most 100; empty if the total is not known. */
export function formatPercent(bytes: number, total_bytes: number | null): string {
  if (total_bytes === null || total_bytes <= 0) return '';
  return `${Math.min(100, Math.floor((bytes * 100) / total_bytes))} %`;
}

/** For example `7 ms`, `1.3 s`, `42 s`, `3 min 5 s`, `2 h 4 min`, `3 d 1 h`. */
export function formatDuration(duration_ms: number): string {
  const ms = Math.max(0, Math.round(duration_ms));
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return twoUnits(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return twoUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.floor(minutes / 60);
  return twoUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function twoUnits(large: number, large_unit: string, small: number, small_unit: string): string {
  return small === 0 ? `${large} ${large_unit}` : `${large} ${large_unit} ${small} ${small_unit}`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** Local date, for example `2026-03-01`. */
export function formatDate(at_ms: number): string {
  const date = new Date(at_ms);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Local time of day, for example `14:05:09.123`. */
export function formatTimeOfDay(at_ms: number): string {
  const date = new Date(at_ms);
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

/** Offset of local time from UTC at that moment, for example `+02:00`. */
export function formatOffset(at_ms: number): string {
  // JavaScript counts from local time to UTC, people the other way round.
  const minutes = -new Date(at_ms).getTimezoneOffset();
  const absolute = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(absolute / 60))}:${two(absolute % 60)}`;
}

/** Local time with its offset, for example `2026-03-01 14:05:09 +01:00`. */
export function formatTime(at_ms: number): string {
  return `${formatDate(at_ms)} ${formatTimeOfDay(at_ms).slice(0, 8)} ${formatOffset(at_ms)}`;
}

/** For example `12 s ago`, `in 3 min 5 s`, `now`. */
export function formatRelative(at_ms: number, now_ms: number): string {
  const difference_ms = at_ms - now_ms;
  if (Math.abs(difference_ms) < 1_000) return 'now';
  const duration = formatDuration(Math.abs(difference_ms));
  return difference_ms > 0 ? `in ${duration}` : `${duration} ago`;
}
