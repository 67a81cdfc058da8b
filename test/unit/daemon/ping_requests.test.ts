import { expect, test } from 'vitest';
import type { ControlLink, LivenessRhythm } from '../../../src/core/link.js';
import { answerMastersPing, answerReplicasPing } from '../../../src/daemon/requests/ping_requests.js';

/** A link that notes what it is told. */
function noting(): { link: ControlLink; told: LivenessRhythm[] } {
  const told: LivenessRhythm[] = [];
  const link = { setRhythm: (rhythm: LivenessRhythm) => void told.push(rhythm) };
  return { link: link as unknown as ControlLink, told };
}

test('both ends answer a ping, and leave other requests to others', async () => {
  const { link } = noting();
  expect(await answerMastersPing(link, { method: 'ping', params: {} })).toBe('pong');
  expect(await answerReplicasPing({ method: 'ping', params: {} })).toBe('pong');
  expect(answerMastersPing(link, { method: 'clock', params: {} })).toBeUndefined();
  expect(answerReplicasPing({ method: 'lineage', params: { image: 'vm' } })).toBeUndefined();
});

test('a replica takes over the rhythm of its master; a master takes nobody’s', async () => {
  const { link, told } = noting();
  const params = { interval_ms: 5_000, missed_max: 2 };
  expect(await answerMastersPing(link, { method: 'ping', params })).toBe('pong');
  await answerMastersPing(link, { method: 'ping', params: {} });
  await answerReplicasPing({ method: 'ping', params });
  expect(told).toEqual([params]);
});

test.each([
  ['a rhythm that would ask without end', { interval_ms: 1, missed_max: 3 }],
  ['no misses at all', { interval_ms: 5_000, missed_max: 0 }],
  ['something unknown', { more: 1 }],
  ['nothing', null],
])('%s is refused', (_what, params) => {
  const { link, told } = noting();
  expect(() => answerMastersPing(link, { method: 'ping', params })).toThrow(
    expect.objectContaining({ code: 'InvalidMessage' }),
  );
  expect(told).toEqual([]);
});
