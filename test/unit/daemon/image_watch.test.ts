import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ScanResult } from '../../../src/actors/image.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { SnapshotInfo } from '../../../src/core/lineage.js';
import type { ActorRecord } from '../../../src/core/records.js';
import { scanResult } from '../../../src/daemon/images/image_scan.js';
import { ImageWatch, type ImageWatchOptions } from '../../../src/daemon/images/image_watch.js';
import type { Watching } from '../../../src/daemon/images/image_watch_directory.js';
import type { Commit } from '../../../src/runtime/ports.js';
import { ManualClock } from '../runtime/support/bench.js';

/** Looks use the disk: time stands, and they are waited for by how many there were. */
class WatchBench {
  readonly mountpoint = mkdtempSync(join(tmpdir(), 'icbdrep-watch-'));
  readonly clock = new ManualClock();
  readonly delivered: string[] = [];
  readonly failures: IcbdError[] = [];
  readonly listeners = new Map<string, (event: 'rename' | 'change', name: string | null) => void>();
  readonly errors = new Map<string, (error: Error) => void>();
  readonly records = new Map<string, ActorRecord>();
  refuses: Error | undefined;
  snapshots: SnapshotInfo[] | IcbdError = [];
  looks = 0;
  watch: ImageWatch | undefined;
  #subscriber: (commit: Commit) => void = () => {};

  open(): ImageWatch {
    const options = {
      mountpoint: this.mountpoint,
      clock: this.clock,
      onFailure: (error: IcbdError) => void this.failures.push(error),
      runtime: {
        subscribe: (subscriber: (commit: Commit) => void) => {
          this.#subscriber = subscriber;
          return () => {
            this.#subscriber = () => {};
          };
        },
        deliver: ({ id }: { id: string }, { type }: { type: string }) => {
          this.delivered.push(`${type} ${id}`);
        },
      },
      storage: {
        actors: {
          load: ({ id }: { id: string }) => this.records.get(id),
          list: () => [...this.records.values()],
        },
      },
      store: {
        listSnapshots: async () => {
          this.looks += 1;
          if (this.snapshots instanceof IcbdError) throw this.snapshots;
          return this.snapshots;
        },
      },
      start: (directory: string, listener: (event: 'rename' | 'change', name: string | null) => void) => {
        if (this.refuses !== undefined) throw this.refuses;
        this.listeners.set(directory, listener);
        const watching: Watching = {
          close: () => void this.listeners.delete(directory),
          on: (_event, onError) => void this.errors.set(directory, onError),
        };
        return watching;
      },
    };
    this.watch = new ImageWatch(options as unknown as ImageWatchOptions);
    return this.watch;
  }

  at(name: string): string {
    return join(this.mountpoint, name);
  }

  /** The actor as it would be after a scan of what is there. */
  know(image: string, state = 'present', scan: ScanResult | null = scanResult(this.snapshots as [])): void {
    mkdirSync(this.at(image), { recursive: true });
    const error = state === 'missing' ? { code: 'DirNotFound' } : null;
    const snapshot = { value: state, context: { name: image, scan, error } };
    const seq = (this.records.get(image)?.seq ?? 0) + 1;
    const record = { kind: 'image', id: image, state, settled: state === 'removed', seq, snapshot };
    this.records.set(image, { ...record, status: 'running' } as unknown as ActorRecord);
    this.#subscriber({ events: [{ kind: 'image', id: image, state }] } as unknown as Commit);
  }

  /** Lets time pass, and all that is looked at come to its end. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    // What a look asks of the disk was asked before this, and is answered in turn.
    for (let turn = 0; turn < 300; turn += 1) await lstat(this.mountpoint);
  }

  change(image: string, name: string): void {
    this.listeners.get(image === '' ? this.mountpoint : this.at(image))?.('rename', name);
  }
}

const snapshot = (number: string): SnapshotInfo => ({
  number,
  uuid: `u${number}`,
  received_uuid: '',
  parent_uuid: '',
  created_generation: 1,
  created_at_ms: 1,
});

describe('watching images', () => {
  let bench: WatchBench;
  beforeEach(() => {
    bench = new WatchBench();
  });
  afterEach(async () => {
    await bench.watch?.close();
    rmSync(bench.mountpoint, { recursive: true, force: true });
  });

  /** One image that is watched and has been looked at. */
  const begin = async (): Promise<void> => {
    bench.know('vm');
    bench.open();
    await bench.pass(1_000);
    expect([bench.looks, bench.delivered]).toEqual([1, []]);
  };
  /** Something that a glance sees, and what is found then. */
  const changeTo = (...numbers: string[]): void => {
    bench.snapshots = numbers.map(snapshot);
    mkdirSync(bench.at(`vm/d${bench.clock.now_ms}${numbers.join('')}`), { recursive: true });
    bench.change('vm', numbers.at(-1) ?? 'x');
  };

  test('a change is looked at when it has settled, and told once', async () => {
    await begin();
    await bench.pass(1_000);
    changeTo('1');
    await bench.pass(299);
    expect(bench.delivered).toEqual([]);
    await bench.pass(1);
    expect(bench.delivered).toEqual(['image.rescan vm']);
  });

  test('many changes are one look, and there is at most one in a second', async () => {
    await begin();
    for (let round = 1; round <= 30; round += 1) {
      changeTo(String(round));
      await bench.pass(100);
    }
    expect(bench.looks).toBeLessThanOrEqual(5);
    expect(bench.looks).toBeGreaterThanOrEqual(3);
  });

  test('nothing is told when the snapshots are those that are known', async () => {
    await begin();
    changeTo('1');
    bench.know('vm');
    await bench.pass(2_000);
    expect([bench.looks, bench.delivered]).toEqual([2, []]);
  });

  test('hidden names, and writes to files, are not even looked at', async () => {
    await begin();
    mkdirSync(bench.at('vm/.icbdrep-part-1.1.0.0'));
    bench.change('vm', '.icbdrep-part-1.1.0.0');
    bench.listeners.get(bench.at('vm'))?.('change', 'disk.raw');
    await bench.pass(2_000);
    expect(bench.looks).toBe(1);
  });

  test('while the image scans, it is not told, but looked at again', async () => {
    await begin();
    bench.know('vm', 'scanning');
    changeTo('1');
    await bench.pass(1_000);
    expect(bench.delivered).toEqual([]);
    bench.know('vm', 'present', { snapshot_count: 0, newest: '', fingerprint: 'older' });
    await bench.pass(1_000);
    expect(bench.delivered).toEqual(['image.rescan vm']);
  });

  test('one that cannot be read is told of once, and again when it can be', async () => {
    await begin();
    bench.snapshots = new IcbdError('DirNotFound', 'gone', { operation: 'test' });
    renameSync(bench.at('vm'), bench.at('away'));
    bench.change('', 'vm');
    await bench.pass(1_000);
    expect(bench.delivered).toEqual(['image.rescan vm']);
    renameSync(bench.at('away'), bench.at('vm'));
    bench.know('vm', 'missing', null);
    renameSync(bench.at('vm'), bench.at('away'));
    await bench.pass(60_000);
    await bench.pass(1_000);
    expect(bench.delivered).toHaveLength(1);
    bench.snapshots = [];
    renameSync(bench.at('away'), bench.at('vm'));
    bench.change('', 'vm');
    await bench.pass(1_000);
    expect(bench.delivered).toHaveLength(2);
    // The directory that stands there now is watched.
    expect(bench.listeners.has(bench.at('vm'))).toBe(true);
  });

  test('without the kernel, once a minute; that is said once, and tried again', async () => {
    bench.refuses = Object.assign(new Error('no more watches'), { code: 'ENOSPC' });
    bench.know('vm');
    bench.open();
    await bench.pass(1_000);
    expect(bench.failures.map(({ message }) => message)).toEqual([
      'changes on disk are not watched: no more watches',
    ]);
    changeTo('1');
    await bench.pass(50_000);
    expect(bench.delivered).toEqual([]);
    await bench.pass(10_000);
    await bench.pass(1_000);
    expect(bench.delivered).toEqual(['image.rescan vm']);
    bench.refuses = undefined;
    await bench.pass(60_000);
    await bench.pass(1_000);
    expect(bench.listeners.has(bench.at('vm'))).toBe(true);
    expect(bench.failures).toHaveLength(1);
  });

  test('a watch that fails is begun again', async () => {
    await begin();
    bench.errors.get(bench.at('vm'))?.(new Error('gone'));
    expect(bench.listeners.has(bench.at('vm'))).toBe(false);
    expect(bench.failures).toHaveLength(1);
    await bench.pass(60_000);
    await bench.pass(1_000);
    expect(bench.listeners.has(bench.at('vm'))).toBe(true);
  });

  test('begins with an image, and ends with it, and with the node', async () => {
    const watch = bench.open();
    await bench.pass(1_000);
    expect([...bench.listeners.keys()]).toEqual([bench.mountpoint]);
    bench.know('vm');
    await bench.pass(1_000);
    expect(bench.listeners.has(bench.at('vm'))).toBe(true);
    bench.know('vm', 'removed');
    expect(bench.listeners.has(bench.at('vm'))).toBe(false);
    bench.know('vm');
    await bench.pass(1_000);
    changeTo('1');
    await watch.close();
    expect(bench.listeners.size).toBe(0);
    await bench.pass(120_000);
    expect(bench.delivered).toEqual([]);
  });
});
