import type { DoctorCheck } from '../../core/doctor_report.js';

export const ok = (name: string, text: string): DoctorCheck => ({ name, status: 'ok', text, hint: '' });

export const warn = (name: string, text: string, hint: string): DoctorCheck => ({
  name,
  status: 'warn',
  text,
  hint,
});

export const fail = (name: string, text: string, hint: string): DoctorCheck => ({
  name,
  status: 'fail',
  text,
  hint,
});

/** `text` for none of `things`, else their beginning. */
export function listed(things: readonly string[], shown_max = 5): string {
  const more = things.length - shown_max;
  return `${things.slice(0, shown_max).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
