import path from 'node:path';
import { receiveArguments } from '../../btrfs/stream_arguments.js';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import type { Clock } from '../../core/clock.js';
import type { Codec } from '../../core/codecs.js';
import type { DataSession, DataSource } from '../../core/data_path.js';
import { IcbdError } from '../../core/errors.js';
import { identityOf } from '../../core/lineage.js';
import { hidden_prefix } from '../../core/names.js';
import { Meter } from '../../pipeline/meter.js';
import { pumpReceive } from '../../pipeline/receive_pump.js';
import type { EffectHandler } from '../../runtime/ports.js';
import { type ChildRegistry, watchForStall } from '../child_registry.js';
import type { ImageRepository } from '../image_repository.js';
import type { ProgressBoard } from '../progress_board.js';
import { GuardedStream } from './guarded_stream.js';

/** With less room than this no stream is taken in, bytes. */
const free_bytes_min = 64 * 1024 * 1024;

export interface ReceptionEffectsOptions {
  readonly store: SnapshotStore;
  readonly repository: ImageRepository;
  /** Whether a transfer of an image that is not there adds it. */
  readonly auto_add_images: boolean;
  readonly openData: (session: DataSession, options: { readonly signal: AbortSignal }) => Promise<DataSource>;
  readonly children: ChildRegistry;
  readonly progress: ProgressBoard;
  readonly clock: Clock;
  readonly stall_timeout_ms: number;
}

interface Place {
  readonly transfer: string;
  readonly attempt: number;
  readonly image: string;
  readonly number: string;
  readonly uuid: string;
}

const hiddenPrefixOf = (transfer: string): string => `${hidden_prefix}${transfer}.`;

/** The name a snapshot has in its image's directory until it is proven. */
const hiddenNameOf = ({ transfer, attempt }: Place): string => `${hiddenPrefixOf(transfer)}${attempt}`;

/** The effects of reception actors: `prepare`, `receive`, `publish`, `cleanup`. Each may run twice. */
export function receptionEffects(options: ReceptionEffectsOptions): Record<string, EffectHandler> {
  const { store, repository } = options;

  const removeLeftovers = async ({ transfer, image }: Place): Promise<void> => {
    const directory = repository.path(image);
    const hidden = await store.listHidden(directory);
    for (const name of hidden.filter((name) => name.startsWith(hiddenPrefixOf(transfer)))) {
      await store.deleteSubvolume(path.join(directory, name));
    }
  };

  const ensureImage = async (image: string): Promise<void> => {
    if (repository.has(image)) return;
    if (options.auto_add_images) {
      await repository.add({ name: image }, { kind: 'daemon', what: 'first transfer of the image' });
      return;
    }
    throw new IcbdError('ImageNotFound', `this replica does not hold the image ${image}`, {
      operation: 'prepare',
      subject: image,
      hint: `icbdrep image add ${image} --node NAME, or auto_add_images = true in the replica's config`,
    });
  };

  const checkRoom = async (image: string): Promise<void> => {
    const free_bytes = await store.freeBytes(repository.path(image));
    if (free_bytes >= free_bytes_min) return;
    throw new IcbdError('NoSpace', `only ${free_bytes} bytes are free`, {
      operation: 'prepare',
      subject: repository.path(image),
      hint: 'delete old snapshots of the replica, or give it more room',
    });
  };

  return {
    prepare: async (effect) => {
      const params = effect.params as Place & { parent: { number: string; uuid: string } | null };
      const { image, number, uuid, parent } = params;
      await ensureImage(image);
      await removeLeftovers(params);
      const held = await repository.snapshots(image);
      const same_number = held.find((snapshot) => snapshot.number === number);
      if (same_number !== undefined && identityOf(same_number) !== uuid) {
        throw new IcbdError('SnapshotConflict', `another snapshot stands as ${image}/${number}`, {
          operation: 'prepare',
          subject: `${image}/${number}`,
          hint: 'delete it on this replica, or send under a new number',
        });
      }
      if (held.some((snapshot) => identityOf(snapshot) === uuid)) return { type: 'prepare.already_there' };
      if (parent !== null && !held.some((snapshot) => identityOf(snapshot) === parent.uuid)) {
        throw new IcbdError(
          'SnapshotNotFound',
          `the parent ${image}/${parent.number} is gone from this replica`,
          {
            operation: 'prepare',
            subject: `${image}/${parent.number}`,
            retryable: true,
          },
        );
      }
      await checkRoom(image);
      return { type: 'prepare.done' };
    },

    receive: async (effect, { signal }) => {
      const params = effect.params as Place & { codec: Codec };
      const { transfer, attempt, image, codec, uuid } = params;
      const source = await options.openData({ transfer, attempt }, { signal });
      const meter = new Meter(options.clock);
      const started_at_ms = options.clock.now();
      const hide = options.progress.show(effect.actor, () => ({
        actor: effect.actor,
        attempt,
        stream_bytes: meter.bytes,
        link_bytes: source.link_bytes,
        total_bytes: null,
        rate_bytes_per_s: meter.rate_bytes_per_s(),
        started_at_ms,
        at_ms: options.clock.now(),
      }));
      const child = options.children.start(effect.id, {
        ...receiveArguments({ directory: repository.path(image) }),
        stdin: 'pipe',
        stdout: 'none',
      });
      const unwatch = watchForStall({
        idleMs: () => meter.idle_ms(),
        stall_timeout_ms: options.stall_timeout_ms,
        subject: transfer,
        stop: (reason) => child.stop(reason),
      });
      try {
        const transform = new GuardedStream({ name: hiddenNameOf(params), uuid });
        const trailer = await pumpReceive({ child, codec, source, transform, meter, signal });
        return { type: 'receive.done', result: trailer };
      } finally {
        unwatch();
        hide();
      }
    },

    publish: async (effect) => {
      const params = effect.params as Place;
      await store.publish(repository.path(params.image), hiddenNameOf(params), params.number, params.uuid);
      return { type: 'publish.done' };
    },

    cleanup: async (effect) => {
      await removeLeftovers(effect.params as Place);
      return { type: 'cleanup.done' };
    },
  };
}
