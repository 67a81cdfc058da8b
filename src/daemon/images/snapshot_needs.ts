/**
 * Who needs which snapshot of an image on this node: what runs, and what the next increments will build on.
 * A master has transfers and a replica has receptions, so one look serves both.
 */
import type { ReceptionContext } from '../../actors/reception_events.js';
import type { TransferContext } from '../../actors/transfer_events.js';
import { type SnapshotInfo, commonSnapshots, identityOf, lastSnapshot } from '../../core/lineage.js';
import type { ActorRecord } from '../../core/records.js';
import type { SnapshotNeed } from '../../core/report.js';
import type { Storage } from '../../storage/storage.js';

/** What replicas said just now that they hold of an image, by their names. Those that did not answer are left out. */
export type HeldByReplicas = ReadonlyMap<string, readonly SnapshotInfo[]>;

const records_max = 100_000;

function transferNeeds(record: ActorRecord): SnapshotNeed[] {
  const { id, replica, number, plan } = record.snapshot.context as TransferContext;
  const common = { node: replica, transfer: id, since_ms: record.created_at_ms, otherwise: '' };
  const parent = plan?.parent?.number;
  return [
    { ...common, number, kind: 'sent' },
    ...(parent === undefined ? [] : [{ ...common, number: parent, kind: 'parent' as const }]),
  ];
}

function receptionNeeds(record: ActorRecord): SnapshotNeed[] {
  const { id, master, number, parent } = record.snapshot.context as ReceptionContext;
  const common = { node: master, transfer: id, since_ms: record.created_at_ms, otherwise: '' };
  return [
    { ...common, number, kind: 'received' },
    ...(parent === null ? [] : [{ ...common, number: parent.number, kind: 'parent' as const }]),
  ];
}

/** Transfers and receptions under way, the longest one first. */
function runningNeeds(storage: Storage, image: string): SnapshotNeed[] {
  const running = { image, settled: false, limit: records_max } as const;
  const transfers = storage.actors.list({ kind: 'transfer', ...running }).toReversed();
  const receptions = storage.actors.list({ kind: 'reception', ...running }).toReversed();
  return [...transfers.flatMap(transferNeeds), ...receptions.flatMap(receptionNeeds)];
}

/** When each node got or gave a snapshot last, unix ms; by node, and then by the key of the snapshot. */
class Completions {
  readonly #by_node = new Map<string, Map<string, number>>();

  /** The first one counts. */
  note(node: string, key: string, at_ms: number): void {
    const times = this.#by_node.get(node) ?? new Map<string, number>();
    if (!times.has(key)) times.set(key, at_ms);
    this.#by_node.set(node, times);
  }

  get nodes(): string[] {
    return [...this.#by_node.keys()];
  }

  at(node: string, key: string): number | undefined {
    return this.#by_node.get(node)?.get(key);
  }
}

const byIdentity = (identity: string): string => `identity ${identity}`;
const byNumber = (number: string): string => `number ${number}`;

function completedTransfers(storage: Storage, image: string): Completions {
  const completions = new Completions();
  const filter = { kind: 'transfer', image, states: ['completed'], limit: records_max } as const;
  for (const record of storage.actors.list(filter)) {
    const { replica, number, plan } = record.snapshot.context as TransferContext;
    // Without a plan, the replica held it before: under which identity is not written down.
    const key = plan === null ? byNumber(number) : byIdentity(plan.uuid);
    completions.note(replica, key, record.updated_at_ms);
  }
  return completions;
}

/** On a master: what each replica will get its next increment on. */
function basesOfReplicas(
  storage: Storage,
  image: string,
  ours: readonly SnapshotInfo[],
  held: HeldByReplicas,
): SnapshotNeed[] {
  const completions = completedTransfers(storage, image);
  const completedAt = (node: string, snapshot: SnapshotInfo): number | undefined =>
    completions.at(node, byIdentity(identityOf(snapshot))) ?? completions.at(node, byNumber(snapshot.number));
  const nodes = new Set([...held.keys(), ...completions.nodes]);
  return [...nodes].toSorted().flatMap((node): SnapshotNeed[] => {
    const sent = ours.filter((snapshot) => completedAt(node, snapshot) !== undefined);
    const theirs = held.get(node) ?? sent;
    const [base, next] = commonSnapshots(ours, theirs);
    if (base === undefined) return [];
    const copy = theirs.find((snapshot) => identityOf(snapshot) === identityOf(base));
    const since_ms = completedAt(node, base) ?? copy?.created_at_ms ?? base.created_at_ms;
    return [
      { number: base.number, kind: 'base', node, transfer: '', since_ms, otherwise: next?.number ?? '' },
    ];
  });
}

/** On a replica: what each master that it has received from will send the next increment on. */
function basesOfMasters(storage: Storage, image: string, ours: readonly SnapshotInfo[]): SnapshotNeed[] {
  const completions = new Completions();
  const filter = { kind: 'reception', image, states: ['completed'], limit: records_max } as const;
  for (const record of storage.actors.list(filter)) {
    const { master, uuid } = record.snapshot.context as ReceptionContext;
    completions.note(master, byIdentity(uuid), record.updated_at_ms);
  }
  return completions.nodes.toSorted().flatMap((node): SnapshotNeed[] => {
    const receivedAt = (snapshot: SnapshotInfo): number | undefined =>
      completions.at(node, byIdentity(identityOf(snapshot)));
    const received = ours.filter((snapshot) => receivedAt(snapshot) !== undefined);
    const base = lastSnapshot(received);
    if (base === undefined) return [];
    const next = lastSnapshot(received.filter((snapshot) => snapshot !== base));
    const since_ms = receivedAt(base) ?? base.created_at_ms;
    return [
      { number: base.number, kind: 'base', node, transfer: '', since_ms, otherwise: next?.number ?? '' },
    ];
  });
}

/**
 * Who needs which snapshot of `image` here.
 * @param ours what this node holds of it
 * @param isReplica whether a node is one still: nobody needs anything for one that left the config
 * @param held what replicas have answered; for the others, completed transfers tell
 */
export function needsOf(
  storage: Storage,
  image: string,
  ours: readonly SnapshotInfo[],
  isReplica: (node: string) => boolean,
  held: HeldByReplicas = new Map(),
): SnapshotNeed[] {
  return [
    ...runningNeeds(storage, image),
    ...basesOfReplicas(storage, image, ours, held).filter(({ node }) => isReplica(node)),
    ...basesOfMasters(storage, image, ours),
  ];
}
