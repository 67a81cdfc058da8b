import path from 'node:path';
import { deleteParts } from '../../btrfs/parts.js';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import { IcbdError } from '../../core/errors.js';
import type { EffectHandler } from '../../runtime/ports.js';
import type { DataLinks } from '../data_links.js';
import { type PrepareOptions, prepareEffect } from './prepare.js';
import { type ReceiveOptions, receiveEffect } from './receive.js';
import type { ReceptionPlace } from './reception_place.js';

export type ReceptionEffectsOptions = PrepareOptions &
  ReceiveOptions & {
    readonly data_links: Pick<DataLinks, 'during'>;
  };

/** The effects of reception actors: `prepare`, `receive`, `publish`, `cleanup`. Each may run twice. */
export function receptionEffects(options: ReceptionEffectsOptions): Record<string, EffectHandler> {
  const { store, repository, data_links } = options;
  return {
    prepare: prepareEffect(options),
    receive: data_links.during(receiveEffect(options)),

    publish: async (effect) => {
      const params = effect.params as PublishParams;
      await publishOnce(options, params).catch((error: unknown) => dropIfThere(options, params, error));
      return { type: 'publish.done' };
    },

    cleanup: async (effect) => {
      const { transfer, image, keep } = effect.params as ReceptionPlace & { readonly keep: string | null };
      await deleteIfThere(store, repository.path(image), transfer, keep);
      return { type: 'cleanup.done' };
    },
  };
}

type PublishParams = ReceptionPlace & { readonly hidden_name: string };

async function publishOnce(
  { store, repository }: ReceptionEffectsOptions,
  params: PublishParams,
): Promise<void> {
  const { transfer, image, number, uuid, hidden_name } = params;
  const directory = repository.path(image);
  await store.publish(directory, hidden_name, number, uuid, () => deleteParts(store, directory, transfer));
}

/** Another transfer of the same snapshot was faster: one copy is enough. */
async function dropIfThere(
  { store, repository, admission }: ReceptionEffectsOptions,
  params: PublishParams,
  error: unknown,
): Promise<void> {
  if (!(error instanceof IcbdError) || error.code !== 'SnapshotAlreadyExists') throw error;
  if (!(await admission.heldBeside(params)).includes(params.uuid)) throw error;
  await deleteIfThere(store, repository.path(params.image), params.transfer, null);
}

/** An image that was never added here has no directory, and nothing of a transfer. */
async function deleteIfThere(
  store: SnapshotStore,
  directory: string,
  transfer: string,
  keep: string | null,
): Promise<void> {
  try {
    await deleteParts(store, directory, transfer, keep);
    // What was deleted could be there again after a power cut, and nobody would look for it.
    await store.sync(directory);
  } catch (thrown) {
    if (!(thrown instanceof IcbdError) || thrown.code !== 'DirNotFound') throw thrown;
    // The same error comes from a filesystem that is not mounted.
    await store.checkMountpoint(path.dirname(directory));
  }
}
