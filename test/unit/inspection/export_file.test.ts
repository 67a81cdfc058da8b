import { expect, test } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import { parseExport } from '../../../src/inspection/export_file.js';
import { readExport } from '../../../src/inspection/view.js';
import { tamperedExport, transferExport } from './support/transfer_export.js';

const file = transferExport();

function refusal(text: string): IcbdError {
  try {
    parseExport(text, 'x.json');
  } catch (error) {
    if (error instanceof IcbdError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

test('an export comes out of its text as it went in, and adds up', () => {
  const { file: read, report } = readExport(JSON.stringify(file), 'x.json');
  expect(read).toEqual(file);
  expect(report).toMatchObject({ departure: null, not_folded: '', omitted: 0 });
  expect(report.steps.at(-1)?.context).toEqual(file.actor.snapshot.context);
  expect(read.graph.states.map(({ name }) => name)).toContain('resting');
  expect(read.effects.map(({ kind }) => kind)).toContain('plan');
});

test('a later release of the same format may have added something', () => {
  const text = JSON.stringify({ ...file, added: 1, actor: { ...file.actor, mood: 'good' } });
  expect(parseExport(text, 'x.json')).toEqual(file);
});

test.each([
  ['text', 'hello'],
  ['another JSON', '{"a": 1}'],
  ['a list', '[]'],
  ['nothing', ''],
])('%s is no export', (_what, text) => {
  const error = refusal(text);
  expect(error).toMatchObject({ code: 'InvalidArgument', message: 'x.json is no export of icbdrep' });
  expect(error.hint).toContain('transfer export');
});

test('a newer format is told from a damaged file', () => {
  const error = refusal(JSON.stringify({ ...file, format_version: 2, events: 'elsewhere now' }));
  expect(error).toMatchObject({ code: 'SchemaTooNew' });
  expect(error.message).toContain('format 2');
  expect(error.hint).toContain('1.2.3');
});

test('what is damaged is told with its place', () => {
  const cut = refusal(JSON.stringify(file).slice(0, 3_000));
  expect(cut).toMatchObject({ code: 'CorruptData', retryable: false });
  expect(cut.message).toContain('x.json is damaged');
  const wrong = refusal(JSON.stringify(file).replace('"seq":3', '"seq":"3"'));
  expect(wrong.message).toContain('events.2.seq: expected number');
  const events = file.events.map((event, index) => (index === 1 ? { ...event, id: 'another' } : event));
  const other = refusal(JSON.stringify({ ...file, events }));
  expect(other.message).toContain('events.1 is of another actor than transfer/17-3fa9');
  const kind = refusal(JSON.stringify({ ...file, machine: { ...file.machine, kind: 'image' } }));
  expect(kind.message).toContain('machine.kind');
});

test('a history that was tampered with departs at the event', () => {
  const { report } = readExport(JSON.stringify(tamperedExport(3)), 'x.json');
  expect(report.departure?.seq).toBe(3);
});
