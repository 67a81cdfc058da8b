import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { shownName } from '../../../src/stream/shown_name.js';

test.each([
  ['plain', Buffer.from('disk image.qcow2'), 'disk image.qcow2'],
  ['UTF-8', Buffer.from('kernel ünïcode 漢字 🙂'), 'kernel ünïcode 漢字 🙂'],
  ['a backslash', Buffer.from('a\\x41'), 'a\\\\x41'],
  ['an escape sequence', Buffer.from('\u001b[2J'), '\\x1b[2J'],
  ['lines', Buffer.from('a\nb\u2028'), 'a\\x0ab\\xe2\\x80\\xa8'],
  ['C1 controls', Buffer.from('\u009b1m'), '\\xc2\\x9b1m'],
  ['text turned around', Buffer.from('\u202etxt.exe'), '\\xe2\\x80\\xaetxt.exe'],
  ['latin1', Buffer.from('caf\xe9 \\', 'latin1'), 'caf\\xe9 \\\\'],
  ['a byte order mark', Buffer.from('\ufeffa'), '\\xef\\xbb\\xbfa'],
  ['half of a character', Buffer.from([0x61, 0xe2, 0x82]), 'a\\xe2\\x82'],
])('%s', (_what, name, shown) => {
  expect(shownName(name)).toBe(shown);
});

/** The bytes that a shown name stands for. */
function bytesOf(shown: string): Buffer {
  const parts = shown.matchAll(/\\x([\da-f]{2})|\\(\\)|([^\\])/gu);
  return Buffer.concat(
    [...parts].map(([, hex, backslash, other]) =>
      hex === undefined ? Buffer.from(backslash ?? other ?? '') : Buffer.from(hex, 'hex'),
    ),
  );
}

test('any bytes show nothing that a terminal obeys, and can be told from what is shown', () => {
  const any_name = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(any_name, (name) => {
      const bytes = Buffer.from(name as string);
      const shown = shownName(bytes);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(bytesOf(shown)).toEqual(bytes);
    }),
    { numRuns: 500 },
  );
});
