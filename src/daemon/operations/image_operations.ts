import type { EventCause } from '../../core/records.js';
import type { ImageRepository } from '../image_repository.js';
import type { Fleet } from './fleet.js';
import type { ImageOperations, NodeChoice, SnapshotOperations } from './operations.js';

/** Who asks by way of the control API. */
export const operator: EventCause = { kind: 'operator', who: 'control API' };

/** Which repository a choice means. @throws IcbdError for a node that cannot be asked from here */
export type ChooseRepository = (node: NodeChoice) => ImageRepository;

/** Images of this node alone. */
export function localImages(choose: ChooseRepository): ImageOperations {
  return {
    list: async (node) => choose(node).list(),
    add: async ({ node, ...image }) => choose(node).add(image, operator),
    remove: async (name, node) => choose(node).remove(name, operator),
  };
}

/** Snapshots of this node alone. */
export function localSnapshots(choose: ChooseRepository): SnapshotOperations {
  return {
    list: async (image, node) => choose(node).reports(image),
    create: async (image, number, node) => choose(node).createSnapshot(image, number, operator),
    delete: async (image, number, node) => choose(node).deleteSnapshot(image, number, operator),
  };
}

/** Images of the master, and of any replica by way of its link. */
export function fleetImages(fleet: Fleet, repository: ImageRepository): ImageOperations {
  const own = localImages(() => repository);
  return {
    list: (node) => fleet.on(node, 'image.list', {}, () => own.list(undefined)),
    add: ({ node, ...image }) => fleet.on(node, 'image.add', image, () => own.add(image)),
    remove: (name, node) => fleet.on(node, 'image.remove', { name }, () => own.remove(name, undefined)),
  };
}

/** Snapshots of the master, and of any replica by way of its link. */
export function fleetSnapshots(fleet: Fleet, repository: ImageRepository): SnapshotOperations {
  const own = localSnapshots(() => repository);
  return {
    list: (image, node) => fleet.on(node, 'snapshot.list', { image }, () => own.list(image, undefined)),
    create: (image, number, node) => {
      const params = number === undefined ? { image } : { image, number };
      return fleet.on(node, 'snapshot.create', params, () => own.create(image, number, undefined));
    },
    delete: (image, number, node) =>
      fleet.on(node, 'snapshot.delete', { image, number }, () => own.delete(image, number, undefined)),
  };
}
