import { expect, test } from 'vitest';
import {
  collectList,
  parseCodec,
  parseCount,
  parseSince,
  parseTransferId,
} from '../../../src/cli/arguments.js';
import { chooseSocket } from '../../../src/client/choose_socket.js';
import { IcbdError } from '../../../src/core/errors.js';
import { noon_ms } from './samples.js';

const hour_ms = 3_600_000;

test.each([
  ['30s', 30_000],
  ['15m', 900_000],
  ['15min', 900_000],
  ['2h', 2 * hour_ms],
  ['1.5h', 1.5 * hour_ms],
  ['3d', 72 * hour_ms],
  ['1w', 168 * hour_ms],
])('%s is a time before now', (value, before_ms) => {
  expect(parseSince(value, noon_ms)).toBe(noon_ms - before_ms);
});

test('a date is local without an offset, and exact with one', () => {
  expect(parseSince('2026-03-01T12:00:00Z', 0)).toBe(noon_ms);
  expect(parseSince('2026-03-01T14:00+02:00', 0)).toBe(noon_ms);
  expect(parseSince('2026-03-01 12:00', 0)).toBe(new Date(2026, 2, 1, 12).getTime());
  expect(parseSince('2026-03-01', 0)).toBe(new Date(2026, 2, 1).getTime());
});

test.each(['', 'h', '-2h', '2y', '2026-13-01', '2026-3-1', 'now', '1e3s'])('%j is no time', (value) => {
  expect(() => parseSince(value, noon_ms)).toThrow(IcbdError);
});

test('lists are collected once each, in their order', () => {
  expect(collectList('b, a,b', collectList('c', undefined))).toEqual(['c', 'b', 'a']);
  expect(() => collectList(' ,', undefined)).toThrow('the list is empty');
});

test('counts, codecs and ids are what they say', () => {
  expect(parseCount('12')).toBe(12);
  for (const value of ['0', '-1', '1.5', '1e2', '', '99999999999999999999']) {
    expect(() => parseCount(value)).toThrow('is no count');
  }
  expect(parseCodec('zstd')).toBe('zstd');
  expect(() => parseCodec('toString')).toThrow('is no codec');
  expect(parseTransferId('4f2a-9c')).toBe('4f2a-9c');
  expect(() => parseTransferId('')).toThrow('is no transfer');
});

function among(...paths: string[]): (path: string) => boolean {
  return (path) => paths.includes(path);
}

test('the socket: option, environment, the master, a replica only if it is alone', () => {
  const master = '/run/icbdrep/master.sock';
  const replica = '/run/icbdrep/replica.sock';
  expect(chooseSocket('/a', { ICBDREP_SOCKET: '/b' }, among())).toBe('/a');
  expect(chooseSocket(undefined, { ICBDREP_SOCKET: '/b' }, among())).toBe('/b');
  expect(chooseSocket(undefined, {}, among(master, replica))).toBe(master);
  expect(chooseSocket(undefined, {}, among(replica))).toBe(replica);
  expect(chooseSocket(undefined, {}, among())).toBe(master);
});
