/** What goes on while things go wrong: images change, snapshots are taken, sent everywhere, and pruned. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlClient } from '../../src/client/control_client.js';
import type { TransferReport } from '../../src/core/report.js';
import type { Fleet } from '../support/fleet.js';
import { changeImageTree, makeImageTree, seededBytes } from '../support/image_tree.js';
import { type Random, randomFrom } from '../support/random.js';

const mib = 1024 * 1024;
const image_names = ['alpha', 'beta', 'gamma', 'delta'] as const;
const image_bytes = 16 * mib;
/** No more is begun while so many transfers are open. */
const open_max = 24;
/** Older snapshots of an image are deleted everywhere, so that a long run does not fill the disks. */
const snapshots_kept = 4;

export interface Workload {
  readonly images: readonly string[];
  /** Changes, takes and sends snapshots until the signal aborts. */
  run(stopped: AbortSignal): Promise<void>;
  /** Deletes on all nodes what was to be deleted there, and could not be then. */
  prune(): Promise<void>;
}

/** What the daemon is asked may fail at any time here; the next round asks again. */
async function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch(() => undefined);
}

async function changeSource(source: string, seed: number, random: Random): Promise<void> {
  await changeImageTree(source, seed);
  writeFileSync(path.join(source, 'log'), seededBytes(seed, random.between(1, 6) * mib));
}

const isOpen = ({ settled }: TransferReport): boolean => !settled;

class ChaosWorkload implements Workload {
  readonly images = image_names;
  readonly #fleet: Fleet;
  readonly #sources: ReadonlyMap<string, string>;
  readonly #random: Random;
  /** `image/number` of what is pruned. */
  readonly #pruned = new Set<string>();
  #changes = 0;

  constructor(fleet: Fleet, sources: ReadonlyMap<string, string>, seed: number) {
    this.#fleet = fleet;
    this.#sources = sources;
    this.#random = randomFrom(seed);
  }

  get #client(): ControlClient {
    return this.#fleet.master.client;
  }

  async run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      await sleep(this.#random.between(100, 1_200));
      const transfers = await orNothing(this.#client.transfers.list({ limit: 10_000 }));
      if (transfers === undefined || transfers.filter(isOpen).length > open_max) continue;
      const image = this.#random.pick(this.images);
      await this.#pruneImage(image, transfers);
      this.#changes += 1;
      await changeSource(this.#sources.get(image) ?? '', this.#changes, this.#random);
      const snapshot = await orNothing(this.#client.snapshots.create(image));
      if (snapshot === undefined) continue;
      await orNothing(this.#client.transfers.send({ image, numbers: [snapshot.number], to: ['all'] }));
    }
  }

  async #pruneImage(image: string, transfers: readonly TransferReport[]): Promise<void> {
    if (transfers.some((transfer) => transfer.image === image && isOpen(transfer))) return;
    const snapshots = (await orNothing(this.#client.snapshots.list(image))) ?? [];
    for (const { number } of snapshots.slice(0, Math.max(0, snapshots.length - snapshots_kept))) {
      this.#pruned.add(`${image}/${number}`);
      await this.#delete(image, number, false);
    }
  }

  /** @param force also where some replica is so far behind that it needs the snapshot */
  async #delete(image: string, number: string, force: boolean): Promise<void> {
    for (const { client } of this.#fleet.nodes) {
      await orNothing(client.snapshots.delete(image, number, { force }));
    }
  }

  async prune(): Promise<void> {
    for (const snapshot of this.#pruned) {
      const [image = '', number = ''] = snapshot.split('/');
      await this.#delete(image, number, true);
    }
  }
}

/** Makes the images on all nodes of a fleet that runs. */
export async function makeWorkload(fleet: Fleet, seed: number): Promise<Workload> {
  const sources = new Map<string, string>();
  for (const [index, name] of image_names.entries()) {
    const source = await fleet.addImage(name);
    await makeImageTree(source, seed + index, image_bytes);
    sources.set(name, source);
  }
  return new ChaosWorkload(fleet, sources, seed);
}
