/** Hidden subvolumes: whose they are, and the removal of those that nobody wants. */
import path from 'node:path';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import { IcbdError } from '../../core/errors.js';
import { hidden_prefix } from '../../core/names.js';
import type { ActorRecord } from '../../core/records.js';
import type { LeftoverRemoval, LeftoverReport } from '../../core/doctor_report.js';
import type { Storage } from '../../storage/storage.js';
import type { ImageRepository } from '../images/image_repository.js';

/** Names that receptions give: a transfer's id, and numbers. `icbdrep stream receive` gives others. */
const reception_name = /^\.icbdrep-(?:part-)?(\d+-[0-9a-f]{4})(?:\.\d+){1,3}$/;

export type Ownership =
  | { readonly kind: 'owned'; readonly by: string }
  | { readonly kind: 'unowned'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Whether `text` stands anywhere in plain JSON. */
function mentions(value: unknown, text: string): boolean {
  if (value === text) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((part) => mentions(part, text));
}

/**
 * Whose a hidden subvolume is.
 * @param receptions all of its image
 */
export function ownershipOf(name: string, receptions: readonly ActorRecord[]): Ownership {
  const naming = receptions.find(({ snapshot }) => mentions(snapshot.context, name));
  if (naming !== undefined) return { kind: 'owned', by: naming.id };
  const transfer = reception_name.exec(name)?.[1];
  if (transfer === undefined) {
    const reason =
      'it is of no transfer: of icbdrep stream receive, which goes on from it, or of another program';
    return { kind: 'unknown', reason };
  }
  const reception = receptions.find(({ id }) => id === transfer);
  if (reception === undefined) {
    return { kind: 'unowned', reason: `this node does not know the transfer ${transfer}` };
  }
  if (!reception.settled || reception.status === 'parked') return { kind: 'owned', by: transfer };
  return {
    kind: 'unowned',
    reason: `the transfer ${transfer} is ${reception.state} here, and does not name it`,
  };
}

export interface LeftoversOptions {
  readonly storage: Storage;
  readonly store: SnapshotStore;
  readonly repository: ImageRepository;
}

export class Leftovers {
  readonly #options: LeftoversOptions;

  constructor(options: LeftoversOptions) {
    this.#options = options;
  }

  /** Those in the directories of all images of this node; an image that cannot be read is in `unreadable`. */
  async find(): Promise<{ owned: number; leftovers: LeftoverReport[]; unreadable: string[] }> {
    const leftovers: LeftoverReport[] = [];
    const unreadable: string[] = [];
    let owned = 0;
    for (const { name: image, path: directory } of this.#options.repository.list()) {
      const names = await this.#options.store.listHidden(directory).catch((error: unknown) => {
        unreadable.push(`${image}: ${IcbdError.from(error, 'doctor').message}`);
        return [];
      });
      for (const name of names) {
        const ownership = this.#ownership(image, name);
        if (ownership.kind === 'owned') owned += 1;
        else leftovers.push(await this.#report(image, directory, name, ownership));
      }
    }
    return { owned, leftovers: leftovers.filter(({ reason }) => reason !== ''), unreadable };
  }

  /**
   * Removes hidden subvolumes that no reception wants, each looked at again right before; never anything else.
   * @throws IcbdError `ImageNotFound`
   */
  async remove(image: string, names: readonly string[]): Promise<LeftoverRemoval[]> {
    const { repository, store } = this.#options;
    repository.require(image);
    const directory = repository.path(image);
    const hidden = new Set(await store.listHidden(directory));
    const results: LeftoverRemoval[] = [];
    for (const name of names) {
      const reason = hidden.has(name) ? await this.#removeOne(image, directory, name) : 'it is not there';
      results.push({ image, name, is_removed: reason === '', reason });
    }
    return results;
  }

  /** @returns why it was not removed; empty if it was */
  async #removeOne(image: string, directory: string, name: string): Promise<string> {
    if (!name.startsWith(hidden_prefix) || name.includes('/')) return 'its name is not hidden';
    const ownership = this.#ownership(image, name);
    if (ownership.kind === 'owned') return `the transfer ${ownership.by} wants it`;
    if (ownership.kind === 'unknown') return ownership.reason;
    try {
      await this.#options.store.deleteSubvolume(path.join(directory, name));
      return '';
    } catch (error) {
      return IcbdError.from(error, 'doctor').message;
    }
  }

  #ownership(image: string, name: string): Ownership {
    const receptions = this.#options.storage.actors.list({ kind: 'reception', image, limit: 1_000_000 });
    return ownershipOf(name, receptions);
  }

  async #report(
    image: string,
    directory: string,
    name: string,
    ownership: Exclude<Ownership, { kind: 'owned' }>,
  ): Promise<LeftoverReport> {
    const subvolume = path.join(directory, name);
    const info = await this.#options.store.inspect(subvolume).catch(() => undefined);
    const is_complete = info?.read_only === true;
    const is_removable = ownership.kind === 'unowned';
    // One that is gone meanwhile was somebody's.
    const reason = info === undefined ? '' : ownership.reason;
    return { image, name, path: subvolume, is_complete, is_removable, reason };
  }
}
