import { beforeEach, describe, expect, test } from 'vitest';
import { Stepper, splitKeys } from '../../../../src/cli/stepper/stepper.js';
import { widthOf } from '../../../../src/cli/render/text.js';
import { viewExport } from '../../../../src/inspection/view.js';
import { tamperedExport, transferExport } from '../../inspection/support/transfer_export.js';

const viewed = viewExport(transferExport());
const view = { now_ms: 0, columns: 80, color: false };
const size = { columns: 80, rows: 24 };
let stepper: Stepper;

const screen = (of = size): string => stepper.draw(of, view);
const place = (): string => /step (\d+) of 6/.exec(screen())?.[1] ?? '';
const press = (text: string): void => {
  for (const key of splitKeys(text)) stepper.press(key);
};

beforeEach(() => {
  stepper = new Stepper(viewed);
});

describe('keys', () => {
  test('step forward and back, and stop at both ends', () => {
    expect(place()).toBe('6');
    press('n');
    expect(place()).toBe('6');
    expect(screen()).toContain('this is the last step');
    press('p\u001b[D');
    expect(place()).toBe('4');
    press(' \u001b[C');
    expect(place()).toBe('6');
    press('g');
    expect(place()).toBe('1');
    press('p');
    expect(screen()).toContain('this is the first step');
    press('G');
    expect(place()).toBe('6');
  });

  test('a number and enter go to a step', () => {
    press('3');
    expect(screen()).toContain('go to step 3');
    press('\r');
    expect(place()).toBe('3');
    press('12\r');
    expect(place()).toBe('3');
    expect(screen()).toContain('there is no step 12');
    press('15\u007f\r');
    expect(place()).toBe('1');
    press('5\u001b');
    expect(place()).toBe('1');
  });

  test('/ finds the next event or state, from the beginning again behind the last', () => {
    press('g/REFUSED\r');
    expect(place()).toBe('4');
    press('/\r');
    expect(place()).toBe('5');
    press('/\r');
    expect(place()).toBe('4');
    expect(screen()).toContain('from the beginning again');
    press('/nowhere\r');
    expect(screen()).toContain('no event or state has "nowhere" in it');
    press('/q');
    expect(screen()).toContain('/q');
    press('\u001b');
    expect(stepper.has_quit).toBe(false);
  });

  test.each(['q', '\u0003', '\u0004'])('%j quits', (key) => {
    press(key);
    expect(stepper.has_quit).toBe(true);
  });

  test('another key does nothing', () => {
    press('x');
    expect(screen()).toContain('q quit');
    expect(stepper.has_quit).toBe(false);
  });
});

describe('the screen', () => {
  test.each([
    [80, 24],
    [100, 50],
    [40, 12],
    [20, 5],
  ])('fits %i columns and %i lines at every step', (columns, rows) => {
    press('g');
    for (let step = 0; step < 6; step += 1) {
      const lines = screen({ columns, rows }).split('\n');
      expect(lines.length).toBeLessThanOrEqual(rows);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      press('n');
    }
  });

  test('scrolls what does not fit', () => {
    press('3\r');
    expect(screen()).toMatch(/… \d+ more lines below: j/);
    expect(screen()).not.toMatch(/outcome +null/);
    press('j'.repeat(60));
    expect(screen()).toMatch(/… \d+ lines above/);
    expect(screen()).toMatch(/outcome +null/);
    press('k'.repeat(80));
    expect(screen()).toContain('step 3 of 6');
  });

  test('begins where a history departs, and says so', () => {
    stepper = new Stepper(viewExport(tamperedExport(3)));
    expect(screen()).toContain('step 3 of 6');
    expect(screen()).toContain('departs at event 3');
  });

  test('has no escape codes without colours', () => {
    expect(screen()).not.toContain('\u001b');
    expect(stepper.draw(size, { ...view, color: true })).toContain('\u001b[');
  });
});
