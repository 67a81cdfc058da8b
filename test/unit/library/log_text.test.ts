import { expect, test } from 'vitest';
import { heading, prettify } from '../../../src/library/log_text.js';

test('a heading is one line that fills the width of a log', () => {
  expect(heading('master')).toBe(`--[ master ]${'-'.repeat(66)}`);
  expect(heading('x'.repeat(100))).toBe(`--[ ${'x'.repeat(100)} ]`);
});

test('any value is shown whole, with its keys in order', () => {
  const deep = { b: [1, { d: new Map([['k', { x: 1 }]]) }], a: 'text' };
  expect(prettify(deep).split(/\s+/).join(' ')).toBe(
    "{ a: 'text', b: [ 1, { d: Map(1) { 'k' => { x: 1 } } } ] }",
  );
  expect(prettify(Array.from({ length: 200 }, (_, index) => index))).toContain('199');
  expect(prettify(undefined)).toBe('undefined');
});
