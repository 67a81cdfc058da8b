import type { EventCause } from '../../core/records.js';
import type { ImageRepository } from '../images/image_repository.js';
import type { Fleet } from './fleet.js';
import { heldByReplicas } from './held_by_replicas.js';
import type { ImageOperations, NodeChoice, SnapshotOperations } from './operations.js';

/** Who asks by way of the control API. */
export const operator: EventCause = { kind: 'operator', who: 'control API' };

/** Which repository a choice means. @throws IcbdError for a node that cannot be asked from here */
export type ChooseRepository = (node: NodeChoice) => ImageRepository;

/** Images of this node alone. */
export function localImages(choose: ChooseRepository): ImageOperations {
  return {
    list: async (node) => choose(node).list(),
    get: async (name, node) => choose(node).details(name),
    add: async ({ node, ...image }) => choose(node).add(image, operator),
    remove: async (name, node) => choose(node).remove(name, operator),
    rescan: async (name, node) => choose(node).rescan(name, operator),
    history: async (name, filter, node) => choose(node).history(name, filter),
  };
}

/** Snapshots of this node alone. */
export function localSnapshots(choose: ChooseRepository): SnapshotOperations {
  return {
    list: async (image, { node, needs }) =>
      choose(node).reports(image, needs === true ? new Map() : undefined),
    get: async (image, number, node) => choose(node).report(image, number),
    last: async (image, node) => choose(node).last(image),
    create: async (image, number, node) => choose(node).createSnapshot(image, number, operator),
    add: async (image, number, { node, from }) => choose(node).addSnapshot(image, number, from, operator),
    delete: async (image, number, { node, force }) =>
      choose(node).deleteSnapshot(image, number, operator, { force }),
  };
}

/** Images of the master, and of any replica by way of its link. */
export function fleetImages(fleet: Fleet, repository: ImageRepository): ImageOperations {
  const own = localImages(() => repository);
  return {
    list: (node) => fleet.on(node, 'image.list', {}, () => own.list(undefined)),
    get: (name, node) =>
      fleet.on(node, 'image.show', { name }, async () => {
        repository.require(name);
        return repository.details(name, await heldByReplicas(fleet, name));
      }),
    add: ({ node, ...image }) => fleet.on(node, 'image.add', image, () => own.add(image)),
    remove: (name, node) => fleet.on(node, 'image.remove', { name }, () => own.remove(name, undefined)),
    rescan: (name, node) => fleet.on(node, 'image.rescan', { name }, () => own.rescan(name, undefined)),
    history: (name, filter, node) =>
      fleet.on(node, 'image.history', { name, ...filter }, () => own.history(name, filter, undefined)),
  };
}

/** Snapshots of the master, and of any replica by way of its link. */
export function fleetSnapshots(fleet: Fleet, repository: ImageRepository): SnapshotOperations {
  const own = localSnapshots(() => repository);
  return {
    list: (image, { node, needs }) => {
      const params = needs === true ? { image, needs } : { image };
      return fleet.on(node, 'snapshot.list', params, async () => {
        repository.require(image);
        return repository.reports(image, needs === true ? await heldByReplicas(fleet, image) : undefined);
      });
    },
    get: (image, number, node) =>
      fleet.on(node, 'snapshot.show', { image, number }, () => own.get(image, number, undefined)),
    last: (image, node) => fleet.on(node, 'snapshot.last', { image }, () => own.last(image, undefined)),
    create: (image, number, node) => {
      const params = number === undefined ? { image } : { image, number };
      return fleet.on(node, 'snapshot.create', params, () => own.create(image, number, undefined));
    },
    add: (image, number, { node, from }) => {
      const params = from === undefined ? { image, number } : { image, number, from };
      return fleet.on(node, 'snapshot.add', params, () => own.add(image, number, { from }));
    },
    delete: (image, number, { node, force }) => {
      const params = force === true ? { image, number, force } : { image, number };
      return fleet.on(node, 'snapshot.delete', params, async () => {
        await repository.snapshot(image, number);
        const held = force === true ? undefined : await heldByReplicas(fleet, image);
        return repository.deleteSnapshot(image, number, operator, { force, held });
      });
    },
  };
}
