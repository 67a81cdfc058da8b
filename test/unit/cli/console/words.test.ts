import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteWord, scanLine, splitWords } from '../../../../src/cli/console/words.js';

const lines: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['', []],
  ['  \t ', []],
  ['send vm1  1 2 --to all', ['send', 'vm1', '1', '2', '--to', 'all']],
  [`snapshots 'my image'`, ['snapshots', 'my image']],
  [`snapshots "my image"`, ['snapshots', 'my image']],
  [String.raw`snapshots my\ image`, ['snapshots', 'my image']],
  [`a'b c'"d e"f`, ['ab cd ef']],
  [`'' ""`, ['', '']],
  [String.raw`'a\b' "a\b" "a\"b\\c" a\b`, [String.raw`a\b`, String.raw`a\b`, String.raw`a"b\c`, 'ab']],
  [`"it's" 'say "x"'`, [`it's`, 'say "x"']],
  ['# all of it', []],
  ['images # and why', ['images']],
  ['a#b "#c" \\#d', ['a#b', '#c', '#d']],
  ['$HOME *.img | ; > x', ['$HOME', '*.img', '|', ';', '>', 'x']],
];

test.each(lines)('%j', (line, words) => {
  expect(splitWords(line)).toEqual(words);
});

test.each([
  [`say 'x`, `a quote is not closed: '`],
  [`say "x\\"`, 'a quote is not closed: "'],
  ['say x\\', 'the line ends with a backslash'],
])('%j is refused', (line, message) => {
  expect(() => splitWords(line)).toThrow(expect.objectContaining({ code: 'InvalidArgument', message }));
});

test('any words come back from how they are quoted', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 })), (words) => {
      expect(splitWords(words.map((word) => quoteWord(word)).join(' '))).toEqual(words);
    }),
  );
});

test('a quote that was begun is gone on with', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.constantFrom("'" as const, '"' as const), (word, quote) => {
      expect(splitWords(quoteWord(word, quote))).toEqual([word]);
    }),
  );
  expect(quoteWord('my image', '"')).toBe('"my image"');
});

test('the last word of a line that is still typed at', () => {
  expect(scanLine(`send "my im`)).toMatchObject({
    words: [
      { value: 'send', start: 0 },
      { value: 'my im', start: 5 },
    ],
    unfinished: '"',
    ends_in_word: true,
  });
  expect(scanLine('send ')).toMatchObject({ ends_in_word: false, unfinished: '' });
  expect(scanLine('send # x')).toMatchObject({ has_comment: true, ends_in_word: false });
});
