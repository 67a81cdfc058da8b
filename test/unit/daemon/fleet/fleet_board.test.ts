/** The board: what it hears, when it asks, and that it is cheap. */
import { beforeEach, describe, expect, test } from 'vitest';
import { IcbdError } from '../../../../src/core/errors.js';
import type { SnapshotInfo } from '../../../../src/core/lineage.js';
import type { ControlLink, Request } from '../../../../src/core/link.js';
import type { EventRecord } from '../../../../src/core/records.js';
import { FleetBoard } from '../../../../src/daemon/fleet/fleet_board.js';
import type { CopyTransferRow } from '../../../../src/storage/copy_rows.js';
import { eventRecord } from '../../../support/event_record.js';
import { ManualClock, settle } from '../../runtime/support/bench.js';

const capabilities = { codecs: [], stream_version_max: 1, btrfs_progs: '6.2', kernel: '6.1' } as const;
const replica = { name: 'r1', node_id: 1, state: 'online', is_online: true };

const snapshot = (number: number, uuid = `uuid-${number}`, received_uuid = ''): SnapshotInfo => ({
  number: String(number),
  uuid,
  received_uuid,
  parent_uuid: '',
  created_generation: number,
  created_at_ms: number * 1_000,
});

/** A replica that holds what a test says, and notes what it is asked. */
class FakeReplica implements ControlLink {
  readonly session = 's';
  readonly peer: ControlLink['peer'];
  readonly asked: string[] = [];
  readonly holds = new Map<string, SnapshotInfo[]>();
  refuses = false;
  /** Called before it answers. */
  onAsked: () => Promise<void> = async () => undefined;

  constructor(node: string) {
    this.peer = { node, instance: node, capabilities, address: 'a' };
  }

  sendMessage(): void {}
  setRhythm(): void {}
  close(): void {}
  ping = async (): Promise<number> => 1;

  async request({ method, params }: Request): Promise<unknown> {
    const { image = '' } = params as { image?: string };
    this.asked.push(`${method} ${image}`.trim());
    if (this.refuses) throw new IcbdError('TimedOut', 'no answer', { operation: 'request' });
    if (method === 'image.list') return [...this.holds.keys()].map((name) => ({ name, more: 1 }));
    const held = this.holds.get(image);
    if (held === undefined) throw new IcbdError('ImageNotFound', 'none', { operation: 'lineage' });
    const answer = [...held];
    await this.onAsked();
    return answer;
  }
}

let clock: ManualClock;
let rows: Map<string, CopyTransferRow>;
let ours: Map<string, SnapshotInfo[]>;
let listed: string[];
let board: FleetBoard;
let link: FakeReplica;
let event_id = 0;

function note(...events: EventRecord[]): void {
  board.note({ events, effects: [], stopped: [], messages: [], parked: [] });
}

function event(part: Pick<EventRecord, 'kind' | 'id' | 'event' | 'state' | 'state_before'>): EventRecord {
  event_id += 1;
  return eventRecord({ ...part, event_id });
}

/** The image's actor has found other snapshots than before. */
async function scanned(image: string, fingerprint: string): Promise<void> {
  const result = { snapshot_count: 0, newest: '', fingerprint };
  const done = { type: 'scan.done', result };
  note(event({ kind: 'image', id: image, event: done, state_before: 'scanning', state: 'present' }));
  await settle();
}

function moved(id: string, state: string, more: Partial<CopyTransferRow> = {}): void {
  const before = rows.get(id);
  const settled = ['completed', 'failed', 'cancelled'].includes(state) ? 1 : 0;
  const fresh = { image: 'vm1', replica: 'r1', number: '2', created_at_ms: 5_000, identity: null };
  rows.set(id, { ...fresh, ...before, ...more, id, status: 'running', state, settled });
  const state_before = before?.state ?? '';
  note(event({ kind: 'transfer', id, event: { type: 'x' }, state_before, state }));
}

const copy = () => board.report([replica]).copies[0];

beforeEach(async () => {
  clock = new ManualClock();
  rows = new Map();
  ours = new Map([['vm1', [snapshot(1), snapshot(2)]]]);
  listed = [];
  board = new FleetBoard({
    rows: {
      transfers: () => [...rows.values()].toSorted((a, b) => a.created_at_ms - b.created_at_ms),
      transfer: (id) => rows.get(id),
    },
    clock,
    images: () => [...ours.keys()],
    list: async (image) => {
      listed.push(image);
      return ours.get(image) ?? [];
    },
  });
  link = new FakeReplica('r1');
  link.holds.set('vm1', [snapshot(1, 'copy-1', 'uuid-1')]);
  await scanned('vm1', 'a');
});

describe('what it asks', () => {
  test('its own snapshots again only when a scan has found others', async () => {
    await scanned('vm1', 'a');
    expect(listed).toEqual(['vm1']);
    await scanned('vm1', 'b');
    expect(listed).toEqual(['vm1', 'vm1']);
  });

  test('a replica when its link comes up, once for each image that both have, and then every ten minutes', async () => {
    ours.set('only_here', []);
    link.holds.set('only_there', []);
    board.linkUp(link);
    await settle();
    expect(link.asked).toEqual(['image.list', 'lineage vm1']);
    link.asked.length = 0;
    clock.advance(299_000);
    await settle();
    expect(link.asked).toEqual([]);
    clock.advance(301_000);
    await settle();
    expect(link.asked).toEqual(['image.list', 'lineage vm1']);
    clock.advance(599_000);
    await settle();
    expect(link.asked).toHaveLength(2);
    board.linkDown(link);
    clock.advance(3_600_000);
    await settle();
    expect(link.asked).toHaveLength(2);
  });

  test('a replica after something was done to its snapshots, about that image only', async () => {
    board.linkUp(link);
    await settle();
    link.asked.length = 0;
    board.changed('r1', 'vm1');
    board.changed('r1', 'vm1');
    await settle();
    // The second word came while the first question was under way, or before: never more than twice.
    expect(new Set(link.asked)).toEqual(new Set(['lineage vm1']));
    expect(link.asked.length).toBeLessThanOrEqual(2);
  });

  test('at most four replicas at a time', async () => {
    let running = 0;
    let most = 0;
    const replicas = Array.from({ length: 12 }, (_, index) => new FakeReplica(`n${index}`));
    for (const one of replicas) {
      one.holds.set('vm1', []);
      one.onAsked = async () => {
        running += 1;
        most = Math.max(most, running);
        await settle();
        running -= 1;
      };
      board.linkUp(one);
    }
    while (replicas.some(({ asked }) => asked.length < 2)) await settle();
    expect(most).toBe(4);
  });
});

describe('what it knows', () => {
  test('nothing of a replica that was never heard of', () => {
    expect(copy()).toMatchObject({ state: 'unknown', known_at_ms: null });
  });

  test('what transfers brought there, before the replica was heard of', () => {
    rows.set('old', {
      id: 'old',
      image: 'vm1',
      replica: 'r1',
      number: '1',
      status: 'running',
      state: 'completed',
      settled: 1,
      created_at_ms: 1_000,
      identity: 'uuid-1',
    });
    expect(copy()).toMatchObject({ state: 'behind', newest: '1', known_at_ms: null });
  });

  test('what the replica says, and that it has not the image at all', async () => {
    board.linkUp(link);
    await settle();
    expect(copy()).toMatchObject({ state: 'behind', newest: '1', known_at_ms: clock.now() });
    link.holds.delete('vm1');
    board.changed('r1');
    await settle();
    expect(copy()).toMatchObject({ state: 'empty', newest: '' });
  });

  test('still what it knew, of one that does not answer', async () => {
    board.linkUp(link);
    await settle();
    link.refuses = true;
    board.changed('r1');
    await settle();
    expect(copy()).toMatchObject({ state: 'behind', newest: '1' });
  });

  test('what comes and goes: a transfer runs, fails, and is done again', async () => {
    board.linkUp(link);
    await settle();
    moved('t1', 'sending');
    expect(copy()).toMatchObject({ state: 'in_transfer', transfers: ['t1'] });
    moved('t1', 'failed');
    expect(copy()).toMatchObject({ state: 'failed', failed_transfer: 't1', transfers: [] });
    moved('t2', 'queued', { created_at_ms: 6_000 });
    expect(copy()).toMatchObject({ state: 'in_transfer', failed_transfer: '' });
    moved('t2', 'completed', { identity: 'uuid-2' });
    expect(copy()).toMatchObject({ state: 'in_sync', newest: '2', transfers: [] });
    expect(link.asked).toEqual(['image.list', 'lineage vm1']);
  });

  test('a snapshot that was there before: the replica is asked which one it is', async () => {
    board.linkUp(link);
    await settle();
    copy();
    link.holds.set('vm1', [snapshot(9, 'copy-2', 'uuid-2')]);
    moved('t1', 'completed');
    copy();
    await settle();
    expect(link.asked).toEqual(['image.list', 'lineage vm1', 'lineage vm1']);
    expect(copy()).toMatchObject({ state: 'in_sync', newest: '2' });
  });

  test('a transfer that completes while an older answer is on its way is not forgotten', async () => {
    board.linkUp(link);
    await settle();
    copy();
    link.onAsked = async () => {
      link.onAsked = async () => undefined;
      link.holds.set('vm1', [snapshot(1, 'copy-1', 'uuid-1'), snapshot(2, 'copy-2', 'uuid-2')]);
      moved('t1', 'completed', { identity: 'uuid-2' });
    };
    board.changed('r1', 'vm1');
    await settle();
    await settle();
    expect(copy()).toMatchObject({ state: 'in_sync', newest: '2' });
  });
});

test('500 replicas with 20 images: the report is made in no time', async () => {
  const replicas = Array.from({ length: 500 }, (_, index) => ({
    name: `r${index}`,
    node_id: index,
    state: 'online',
    is_online: true,
  }));
  ours.clear();
  for (let image = 0; image < 20; image += 1) {
    ours.set(
      `vm${image}`,
      Array.from({ length: 50 }, (_, number) => snapshot(number + 1, `${image}-${number + 1}`)),
    );
    await scanned(`vm${image}`, 'z');
    for (const { name } of replicas) {
      const id = `${name}-${image}`;
      const number = String(1 + ((image * 7 + replicas.length) % 50));
      const identity = `${image}-${number}`;
      rows.set(id, {
        id,
        image: `vm${image}`,
        replica: name,
        number,
        identity,
        status: 'running',
        state: 'completed',
        settled: 1,
        created_at_ms: 1,
      });
    }
  }
  while (listed.length < 21) await settle();
  await settle();
  board.report(replicas);
  const times = Array.from({ length: 8 }, () => {
    const from = process.cpuUsage();
    expect(board.report(replicas).copies).toHaveLength(10_000);
    return process.cpuUsage(from).user / 1_000;
  });
  // Some 15 ms of a processor that has nothing else to do.
  expect(Math.min(...times)).toBeLessThan(150);
});
