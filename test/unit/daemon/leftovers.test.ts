import { describe, expect, test } from 'vitest';
import type { ActorRecord } from '../../../src/core/records.js';
import { ownershipOf } from '../../../src/daemon/doctor/leftovers.js';

const reception = (id: string, changes: Partial<ActorRecord> = {}, context: unknown = {}): ActorRecord => ({
  kind: 'reception',
  id,
  machine_version: 1,
  status: 'running',
  parked_reason: '',
  snapshot: { value: 'failed', context },
  state: 'failed',
  settled: true,
  labels: { image: 'vm' },
  seq: 1,
  epoch: 1,
  created_at_ms: 0,
  updated_at_ms: 0,
  ...changes,
});

const part = '.icbdrep-part-17-3fa9.2.0.1';

describe('a hidden subvolume', () => {
  test('is wanted while its reception goes on, or is parked', () => {
    for (const changes of [{ settled: false, state: 'receiving' }, { status: 'parked' as const }]) {
      expect(ownershipOf(part, [reception('17-3fa9', changes)])).toEqual({ kind: 'owned', by: '17-3fa9' });
    }
    expect(ownershipOf('.icbdrep-17-3fa9.4', [reception('17-3fa9', { settled: false })]).kind).toBe('owned');
  });

  test('is wanted as long as any reception names it, settled or not', () => {
    const naming = reception('18-0000', {}, { checkpoint: { name: part, index: 1 } });
    expect(ownershipOf(part, [reception('17-3fa9'), naming])).toEqual({ kind: 'owned', by: '18-0000' });
    const deep = reception('17-3fa9', {}, { list: [{ of: [part] }] });
    expect(ownershipOf(part, [deep]).kind).toBe('owned');
  });

  test('is not wanted if its reception is settled and names another, or is not known', () => {
    const other = reception('17-3fa9', {}, { checkpoint: { name: `${part}0` }, text: `has ${part} in it` });
    expect(ownershipOf(part, [other])).toMatchObject({ kind: 'unowned' });
    expect(ownershipOf(part, [reception('7-3fa9', { settled: false })])).toMatchObject({
      kind: 'unowned',
      reason: 'this node does not know the transfer 17-3fa9',
    });
    expect(ownershipOf(part, []).kind).toBe('unowned');
  });

  test.each([
    '.icbdrep-part-deadbeef.1.0.0',
    '.icbdrep-receive-x.json',
    '.icbdrep-part-17-3fa9',
    '.icbdrep-part-17-3fa9.x',
    '.icbdrep-part-17-3fa9.1.0.0.0',
    '.icbdrep-part-17-3fa91.1.0.0',
    '1',
    '17-3fa9.1.0.0',
    'x.icbdrep-part-17-3fa9.1.0.0',
  ])('%s is of no transfer, and never removed', (name) => {
    expect(ownershipOf(name, []).kind).toBe('unknown');
  });
});
