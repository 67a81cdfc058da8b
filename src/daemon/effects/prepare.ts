import { deleteParts } from '../../btrfs/parts.js';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import { IcbdError } from '../../core/errors.js';
import { identityOf } from '../../core/lineage.js';
import type { EffectHandler } from '../../runtime/ports.js';
import type { ImageRepository } from '../image_repository.js';
import { type ReceptionPlace, type ReceptionStream, sourceOf, whyUseless } from './reception_place.js';

/** With less room than this no stream is taken in, bytes. */
const free_bytes_min = 64 * 1024 * 1024;

export interface PrepareOptions {
  readonly store: SnapshotStore;
  readonly repository: Pick<ImageRepository, 'path' | 'has' | 'add' | 'snapshots'>;
  /** Whether a transfer of an image that is not there adds it. */
  readonly auto_add_images: boolean;
  /** Whether this node has an ssh tunnel for those who ask for it. */
  readonly has_tunnel: boolean;
}

type PrepareParams = ReceptionPlace & ReceptionStream & { readonly from_zero: boolean };

/**
 * The `prepare` effect: looks whether the snapshot can be received, and removes what earlier attempts left, but for
 * the part from which the stream goes on.
 */
export function prepareEffect(options: PrepareOptions): EffectHandler {
  const { store, repository } = options;
  return async (effect) => {
    const params = effect.params as PrepareParams;
    const { transfer, image, uuid, checkpoint } = params;
    checkTunnel(options, params);
    await ensureImage(options, image);
    const directory = repository.path(image);
    const reason = await whyFromZero(store, directory, params);
    const kept = reason === '' ? checkpoint : null;
    await deleteParts(store, directory, transfer, kept?.name);
    const held = (await repository.snapshots(image)).map((snapshot) => ({
      number: snapshot.number,
      identity: identityOf(snapshot),
    }));
    if (held.some(({ number, identity }) => number === params.number && identity !== uuid)) {
      throw new IcbdError('SnapshotConflict', `another snapshot stands as ${image}/${params.number}`, {
        operation: 'prepare',
        subject: `${image}/${params.number}`,
        hint: 'delete it on this replica, or send under a new number',
      });
    }
    if (held.some(({ identity }) => identity === uuid)) {
      await deleteParts(store, directory, transfer);
      await store.sync(directory);
      return { type: 'prepare.already_there' };
    }
    checkParent(
      params,
      held.map(({ identity }) => identity),
    );
    await checkRoom(store, directory);
    const keeps_checkpoint = kept !== null;
    return { type: 'prepare.done', keeps_checkpoint, resume_bytes: kept?.offset_bytes ?? 0, reason };
  };
}

/** Empty if there is nothing to go on with as well. */
async function whyFromZero(store: SnapshotStore, directory: string, params: PrepareParams): Promise<string> {
  const { checkpoint, from_zero } = params;
  if (checkpoint === null) return '';
  if (from_zero) return 'the master wants to send it from its beginning';
  return whyUseless(store, directory, checkpoint, sourceOf(params));
}

function checkTunnel({ has_tunnel }: PrepareOptions, { ssh, transfer }: PrepareParams): void {
  if (!ssh || has_tunnel) return;
  throw new IcbdError('InvalidConfig', 'this replica has no ssh tunnel', {
    operation: 'prepare',
    subject: transfer,
    hint: "send without --ssh, or set via, ssh_key and ssh_known_hosts under [master] in the replica's config",
  });
}

async function ensureImage(options: PrepareOptions, image: string): Promise<void> {
  const { repository, auto_add_images } = options;
  if (repository.has(image)) return;
  if (auto_add_images) {
    await repository.add({ name: image }, { kind: 'daemon', what: 'first transfer of the image' });
    return;
  }
  throw new IcbdError('ImageNotFound', `this replica does not hold the image ${image}`, {
    operation: 'prepare',
    subject: image,
    hint: `icbdrep image add ${image} --node NAME, or auto_add_images = true in the replica's config`,
  });
}

function checkParent({ image, parent }: PrepareParams, identities: readonly string[]): void {
  if (parent === null || identities.includes(parent.uuid)) return;
  const subject = `${image}/${parent.number}`;
  throw new IcbdError('SnapshotNotFound', `the parent ${subject} is gone from this replica`, {
    operation: 'prepare',
    subject,
    retryable: true,
  });
}

async function checkRoom(store: SnapshotStore, directory: string): Promise<void> {
  const free_bytes = await store.freeBytes(directory);
  if (free_bytes >= free_bytes_min) return;
  throw new IcbdError('NoSpace', `only ${free_bytes} bytes are free`, {
    operation: 'prepare',
    subject: directory,
    hint: 'delete old snapshots of the replica, or give it more room',
  });
}
