import { deleteParts } from '../../btrfs/parts.js';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import { IcbdError } from '../../core/errors.js';
import type { EffectHandler } from '../../runtime/ports.js';
import type { ImageRepository } from '../images/image_repository.js';
import type { Admission } from '../reception_admission.js';
import { type ReceptionPlace, type ReceptionStream, sourceOf, whyUseless } from './reception_place.js';

export interface PrepareOptions {
  readonly admission: Pick<Admission, 'assertNotBusy' | 'assertKnown' | 'heldBeside' | 'assertRoom'>;
  readonly store: SnapshotStore;
  readonly repository: Pick<ImageRepository, 'path' | 'has' | 'add'>;
  /** Whether this node has an ssh tunnel for those who ask for it. */
  readonly has_tunnel: boolean;
}

type PrepareParams = ReceptionPlace & ReceptionStream & { readonly from_zero: boolean };

/**
 * The `prepare` effect: looks whether the snapshot can be received, and removes what earlier attempts left, but for
 * the part from which the stream goes on.
 */
export function prepareEffect(options: PrepareOptions): EffectHandler {
  const { store, repository, admission } = options;
  return async (effect) => {
    const params = effect.params as PrepareParams;
    const { transfer, image, uuid, checkpoint } = params;
    admission.assertNotBusy(effect.actor.id);
    checkTunnel(options, params);
    await ensureImage(options, image);
    const directory = repository.path(image);
    const reason = await whyFromZero(store, directory, params);
    const kept = reason === '' ? checkpoint : null;
    await deleteParts(store, directory, transfer, kept?.name);
    const held = await admission.heldBeside(params);
    if (held.includes(uuid)) {
      await deleteParts(store, directory, transfer);
      await store.sync(directory);
      return { type: 'prepare.already_there' };
    }
    checkParent(params, held);
    await admission.assertRoom(image);
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

/** An image that is not there yet is added, where the config wants that. */
async function ensureImage({ admission, repository }: PrepareOptions, image: string): Promise<void> {
  admission.assertKnown(image);
  if (repository.has(image)) return;
  await repository.add({ name: image }, { kind: 'daemon', what: 'first transfer of the image' });
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
