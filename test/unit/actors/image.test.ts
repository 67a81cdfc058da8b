import { describe, expect, test } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import type { PlainEvent } from '../../../src/core/records.js';
import { Driven, report } from './drive.js';

const input = { name: 'debian', source: '/data/debian.rw', codec: null };
const scanned = { type: 'scan.done', result: { snapshot_count: 2, newest: '7', fingerprint: 'f1' } };
const scan_failed = { type: 'scan.failed', error: report('DirNotFound') };
const presentWith = (scan: object | null) => ({
  value: 'present',
  context: { ...input, scan, error: null },
});
const add = { type: 'image.add', source: '/other', codec: 'lz4' };
const missing = (): Driven => new Driven('image', input).send(scan_failed);
const present = (): Driven => new Driven('image', input).send(scanned);

describe('image', () => {
  test('scans first, and keeps what it found', () => {
    const image = new Driven('image', input);
    expect([image.state, image.effect('scan')]).toEqual(['scanning', { image: 'debian' }]);
    image.send(scanned);
    expect(image.state).toBe('present');
    expect(image.context).toMatchObject({ scan: scanned.result, error: null });
  });

  test('takes and deletes snapshots, and looks again after each', () => {
    for (const image of [present(), new Driven('image', input)]) {
      image.send({ type: 'snapshot.create', number: '8' });
      expect(image.effect('create_snapshot')).toEqual({ image: 'debian', source: input.source, number: '8' });
      image.send({ type: 'create_snapshot.done', number: '8' });
      expect(image.intents).toContain('effect scan');
      image.send(scanned, { type: 'snapshot.delete', number: '7' });
      expect(image.effect('delete_snapshot')).toEqual({ image: 'debian', number: '7' });
      expect(image.send({ type: 'delete_snapshot.done', number: '7' }).state).toBe('scanning');
    }
  });

  test('takes in subvolumes that others made, and looks again', () => {
    for (const image of [present(), new Driven('image', input)]) {
      image.send({ type: 'snapshot.add', number: '8', from: '/elsewhere' });
      const { name, source } = input;
      expect(image.effect('add_snapshot')).toEqual({ image: name, source, number: '8', from: '/elsewhere' });
      expect(image.send({ type: 'add_snapshot.done', number: '8' }).intents).toContain('effect scan');
    }
  });

  test('one of version 1 does not know what its scan found, and is asked to scan', () => {
    const { machine: _, version, migrations } = machines.image;
    expect(version).toBe(2);
    const old = presentWith({ snapshot_count: 2, newest: '7' });
    const migrated = presentWith({ snapshot_count: 2, newest: '7', fingerprint: '' });
    expect([migrations[1]?.(old), migrations[1]?.(presentWith(null))]).toEqual([migrated, presentWith(null)]);
  });

  test.each(['create_snapshot.failed', 'add_snapshot.failed', 'delete_snapshot.failed'])(
    '%s is kept until the next scan',
    (type) => {
      const image = present().send({ type, error: report('SnapshotInUse') });
      expect(image.state).toBe('present');
      expect(image.context).toMatchObject({ error: { code: 'SnapshotInUse' } });
      expect(image.send({ type: 'image.rescan' }, scanned).context['error']).toBeNull();
    },
  );

  test('makes the transfers that it is asked for', () => {
    const transfers = [{ id: 't1' }, { id: 't2' }];
    const image = present().send({ type: 'image.send', transfers });
    expect(image.step.intents).toEqual(
      transfers.map((transfer) => ({
        type: 'spawn',
        spawn: { kind: 'transfer', id: transfer.id, input: transfer },
      })),
    );
  });

  test('one that cannot be read is missing until a scan or an add finds it', () => {
    expect(missing().context).toMatchObject({ error: { code: 'DirNotFound' } });
    expect(missing().send({ type: 'image.rescan' }, scanned).state).toBe('present');
    const added = missing().send(add);
    expect(added.state).toBe('scanning');
    expect(added.context).toMatchObject({ source: '/other', codec: 'lz4', error: null });
  });

  test('a removed one does nothing until it is added again', () => {
    const ignored: PlainEvent[] = [
      { type: 'image.remove' },
      { type: 'restarted', epoch: 2 },
      { type: 'image.rescan' },
      { type: 'create_snapshot.done', number: '8' },
    ];
    const image = new Driven('image', input).send({ type: 'image.remove' });
    expect([image.state, image.intents, image.step.settled]).toEqual(['removed', ['stop scan'], true]);
    for (const event of ignored) expect(image.send(event).intents).toEqual([]);
    expect(image.send(add).state).toBe('scanning');
  });

  test('a restart makes it look again', () => {
    for (const event of [scanned, scan_failed]) {
      const image = new Driven('image', input).send(event, { type: 'restarted', epoch: 2 });
      expect([image.state, image.intents]).toEqual(['scanning', ['effect scan']]);
    }
  });
});
