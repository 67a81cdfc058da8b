/** What stands on the command line, checked before the daemon hears of it. */
import { type Codec, codec_names, isCodec } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';
import type { TransferOrder } from '../core/report.js';
import { transfer_states } from './render/transfer_states.js';

const transfer_orders: readonly TransferOrder[] = ['created', 'updated', 'image', 'replica', 'state'];

function refuse(message: string, subject: string, hint: string): never {
  throw new IcbdError('InvalidArgument', message, { operation: 'read the command line', subject, hint });
}

/** Collects an option that may be repeated, and whose values may be lists with commas. */
export function collectList(value: string, previous: readonly string[] | undefined): string[] {
  const parts = value.split(',').map((part) => part.trim());
  const names = parts.filter((part) => part !== '');
  if (names.length === 0) refuse('the list is empty', value, 'give at least one name');
  return [...new Set([...(previous ?? []), ...names])];
}

/** As `collectList`, of states that a transfer can be in. */
export function collectStates(value: string, previous: readonly string[] | undefined): string[] {
  const states = collectList(value, previous);
  for (const state of states) {
    if (transfer_states.includes(state)) continue;
    refuse(
      `no transfer is ever in state ${JSON.stringify(state)}`,
      state,
      `states: ${transfer_states.join(' ')}`,
    );
  }
  return states;
}

export function parseCodec(value: string): Codec {
  if (isCodec(value)) return value;
  return refuse(`${JSON.stringify(value)} is no codec`, value, `codecs: ${codec_names.join(' ')}`);
}

/** A whole number from 1. */
export function parseCount(value: string): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && count >= 1 && Number.isSafeInteger(count)) return count;
  return refuse(`${JSON.stringify(value)} is no count`, value, 'give a whole number from 1');
}

const unit_ms: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

const iso_date = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * A moment: a time before now such as `2h` or `3d`, or an ISO date, in local time if it has no offset.
 * @returns unix ms
 */
export function parseSince(value: string, now_ms: number): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(value) ?? [];
  const one_ms = unit_ms[unit];
  if (amount !== undefined && one_ms !== undefined) return Math.round(now_ms - Number(amount) * one_ms);
  if (iso_date.test(value)) {
    // Without a time, JavaScript would take a date for UTC.
    const at_ms = Date.parse(value.length === 10 ? `${value}T00:00` : value.replace(' ', 'T'));
    if (!Number.isNaN(at_ms)) return at_ms;
  }
  return refuse(
    `${JSON.stringify(value)} is no time`,
    value,
    'give a time before now (30s, 15m, 2h, 3d, 1w) or a date (2026-03-01, 2026-03-01T14:00, with Z or +02:00)',
  );
}

/**
 * A length of time such as `90s`, `5m` or `2h`.
 * @returns whole seconds, at least 1
 */
export function parseSeconds(value: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(value) ?? [];
  const seconds = Math.round((Number(amount) * (unit_ms[unit] ?? Number.NaN)) / 1_000);
  if (seconds >= 1) return seconds;
  return refuse(`${JSON.stringify(value)} is no length of time`, value, 'for example 90s, 5m, 2h or 1d');
}

/**
 * A time between two looks such as `500ms`, `2s` or `1m`.
 * @returns ms, from 100
 */
export function parseInterval(value: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(value) ?? [];
  const interval_ms = Math.round(Number(amount) * (unit === 'ms' ? 1 : (unit_ms[unit] ?? Number.NaN)));
  if (interval_ms >= 100) return interval_ms;
  return refuse(
    `${JSON.stringify(value)} is no time between two looks`,
    value,
    'from 100ms on: 500ms, 2s, 1m',
  );
}

/** A whole number from 0. */
export function parseOffset(value: string): number {
  if (/^\d+$/.test(value) && Number.isSafeInteger(Number(value))) return Number(value);
  return refuse(`${JSON.stringify(value)} is no offset`, value, 'give a whole number from 0');
}

/** What transfers are sorted by. */
export function parseTransferOrder(value: string): TransferOrder {
  const found = transfer_orders.find((order) => order === value);
  if (found !== undefined) return found;
  return refuse(
    `transfers are not sorted by ${JSON.stringify(value)}`,
    value,
    `by: ${transfer_orders.join(' ')}`,
  );
}

/** The id of a transfer, or its beginning. */
export function parseTransferId(value: string): string {
  if (/^[\w-]+$/.test(value)) return value;
  return refuse(
    `${JSON.stringify(value)} is no transfer's id`,
    value,
    'icbdrep transfers lists them; the beginning of an id is enough',
  );
}

/** A uuid, in lower case. */
export function parseUuid(value: string): string {
  const uuid = value.toLowerCase();
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(uuid)) return uuid;
  return refuse(
    `${JSON.stringify(value)} is no uuid`,
    value,
    'give it as btrfs subvolume show prints it: 36 characters, with dashes',
  );
}
