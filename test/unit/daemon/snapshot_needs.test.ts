import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SnapshotInfo, identityOf } from '../../../src/core/lineage.js';
import type { ActorKind, ActorRecord } from '../../../src/core/records.js';
import type { SnapshotNeed } from '../../../src/core/report.js';
import { assertNotNeeded } from '../../../src/daemon/images/snapshot_guards.js';
import { type HeldByReplicas, needsOf } from '../../../src/daemon/images/snapshot_needs.js';
import { Storage } from '../../../src/storage/storage.js';

const made = (number: string, age = Number(number), more: Partial<SnapshotInfo> = {}): SnapshotInfo => ({
  number,
  uuid: `u${number}`,
  received_uuid: '',
  parent_uuid: '',
  created_generation: age,
  created_at_ms: age * 1_000,
  ...more,
});
const copy = (number: string, age = Number(number)): SnapshotInfo =>
  made(number, age, { uuid: `r${number}`, received_uuid: `u${number}` });
const ours = ['1', '2', '3'].map((number) => made(number));

const everyone = (_node: string): boolean => true;

describe('who needs which snapshot', () => {
  let storage: Storage;
  let count = 0;
  beforeEach(() => {
    storage = Storage.open(':memory:');
    count = 0;
  });
  afterEach(() => storage.close());

  const save = (
    kind: ActorKind,
    state: string,
    settled: boolean,
    context: object,
    replica?: string,
  ): void => {
    count += 1;
    const id = `${count}-abcd`;
    const record: ActorRecord = {
      kind,
      id,
      machine_version: 2,
      status: 'running',
      parked_reason: '',
      snapshot: { value: state, context: { id, image: 'vm', ...context } },
      state,
      settled,
      labels: { image: 'vm', snapshot: 'x', ...(replica === undefined ? {} : { replica }) },
      seq: 1,
      epoch: 1,
      created_at_ms: count * 10,
      updated_at_ms: count * 10 + 5,
    };
    storage.transaction(() => storage.actors.save(record));
  };
  const transfer = (state: string, number: string, replica: string, parent: string | null = null): void => {
    const plan = {
      uuid: `u${number}`,
      parent: parent === null ? null : { number: parent, uuid: `u${parent}` },
    };
    const settled = ['completed', 'failed', 'cancelled'].includes(state);
    save('transfer', state, settled, { number, replica, plan: state === 'queued' ? null : plan }, replica);
  };
  const reception = (state: string, number: string, parent: string | null = null): void => {
    const from = parent === null ? null : { number: parent, uuid: `u${parent}` };
    const settled = ['completed', 'failed', 'held'].includes(state);
    save('reception', state, settled, { number, master: 'hub', uuid: `u${number}`, parent: from });
  };
  const needs = (snapshots = ours, held?: HeldByReplicas, isReplica = everyone): string[] =>
    needsOf(storage, 'vm', snapshots, isReplica, held).map(
      ({ number, kind, node, otherwise }) =>
        `${number} ${kind} ${node}${otherwise === '' ? '' : `, else ${otherwise}`}`,
    );

  test('nobody, when nothing was ever sent', () => {
    expect(needs()).toEqual([]);
    expect(needs([], new Map([['r1', [copy('1')]]]))).toEqual([]);
  });

  test('what a transfer under way sends and builds on; not a failed or cancelled one', () => {
    transfer('sending', '3', 'r1', '2');
    transfer('queued', '3', 'r2');
    transfer('failed', '1', 'r1');
    transfer('cancelled', '1', 'r1');
    expect(needs()).toEqual(['3 sent r1', '2 parent r1', '3 sent r2']);
  });

  test('the newest that was sent to each replica, with what is there without it', () => {
    for (const number of ['1', '2']) transfer('completed', number, 'r1');
    transfer('completed', '1', 'r2');
    expect(needs()).toEqual(['2 base r1, else 1', '1 base r2']);
    // What the master has no more is no base; nor is another one under its number.
    expect(needs(ours.slice(0, 1))).toEqual(['1 base r1', '1 base r2']);
    expect(needs([made('2', 2, { uuid: 'other' })])).toEqual([]);
  });

  test('one that the replica held before it was sent, by its number', () => {
    save('transfer', 'completed', true, { number: '2', replica: 'r1', plan: null }, 'r1');
    expect(needs()).toEqual(['2 base r1']);
  });

  test('what a replica says counts more than what was sent to it', () => {
    transfer('completed', '3', 'r1');
    transfer('completed', '3', 'r2');
    const held = new Map([
      ['r1', [copy('1'), copy('2', 9)]],
      ['r3', [copy('1')]],
      ['r4', []],
    ]);
    expect(needs(ours, held)).toEqual(['2 base r1, else 1', '3 base r2', '1 base r3']);
    const [of_r1, , of_r3] = needsOf(storage, 'vm', ours, everyone, held);
    expect([of_r1?.since_ms, of_r3?.since_ms]).toEqual([9_000, 1_000]);
    expect(needs(ours, new Map([['r1', []]]))).toEqual(['3 base r2']);
    // One that left the config needs nothing any more.
    expect(needs(ours, held, (node) => node === 'r3')).toEqual(['1 base r3']);
  });

  test('since when: since the last time it was sent', () => {
    transfer('completed', '1', 'r1');
    transfer('completed', '1', 'r1');
    expect(needsOf(storage, 'vm', ours, everyone)[0]?.since_ms).toBe(25);
  });

  test('on a replica: what it receives builds on, and the last that it has received', () => {
    const theirs = [copy('9', 5), copy('10', 4), made('50', 50)];
    reception('completed', '9');
    reception('completed', '10');
    reception('receiving', '11', '10');
    reception('held', '12', '9');
    expect(needs(theirs)).toEqual(['11 received hub', '10 parent hub', '10 base hub, else 9']);
    expect(needs([copy('9', 5)])).toContain('9 base hub');
    expect(identityOf(copy('9'))).toBe('u9');
  });

  test('a deletion is refused with all of them, and only for the snapshot that they need', () => {
    transfer('completed', '2', 'r1');
    transfer('sending', '3', 'r1', '2');
    transfer('sending', '3', 'r2', '2');
    const all = needsOf(storage, 'vm', ours, everyone);
    expect(() => assertNotNeeded('vm', '1', all)).not.toThrow();
    const refusal = (number: string): { message: string; hint: string } => {
      try {
        assertNotNeeded('vm', number, all);
      } catch (error) {
        return error as { message: string; hint: string };
      }
      throw new Error('it was not refused');
    };
    expect(refusal('2').message).toBe(
      'vm/2 is needed: the transfer 2-abcd with r1 is based on it, since 1970-01-01T00:00:00Z; ' +
        'the transfer 3-abcd with r2 is based on it, since 1970-01-01T00:00:00Z; ' +
        'it is the base of the next increment with r1, since 1970-01-01T00:00:00Z; ' +
        'without it, the next transfer would be a full one',
    );
    expect(refusal('3').hint).toBe(
      'wait for it, or cancel it on the master: icbdrep transfer cancel 2-abcd; icbdrep transfer cancel 3-abcd; ' +
        '--force deletes it all the same',
    );
    const received: SnapshotNeed = {
      number: '7',
      kind: 'received',
      node: 'hub',
      transfer: '4-abcd',
      since_ms: 0,
      otherwise: '',
    };
    expect(() => assertNotNeeded('vm', '7', [received])).toThrow('the transfer 4-abcd from hub receives it');
  });
});
