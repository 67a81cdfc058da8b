/** What stands on the disks: outside of the nodes' databases, and not undone by a crash. */
export interface WorldSnapshot {
  readonly number: string;
  readonly uuid: string;
}

/** A finished part of a snapshot, on disk. */
export interface Part {
  readonly name: string;
  readonly uuid: string;
  readonly offset_bytes: number;
  /** Which making of the stream it is of: parts of two must never be mixed. */
  readonly making: number;
}

interface Partial {
  readonly uuid: string;
  /** What is finished and on disk. */
  parts: Part[];
  /** The copy that is complete and has no name yet. */
  is_complete: boolean;
}

/** The filesystem of one node. */
export class Disk {
  readonly name: string;
  /** By image, then by number: what is visible. */
  readonly images = new Map<string, Map<string, WorldSnapshot>>();
  /** By transfer: what is hidden. */
  readonly partials = new Map<string, Partial>();
  /** How often each transfer made a snapshot visible. */
  readonly published = new Map<string, number>();
  /** Transfers that something works on now. */
  readonly busy = new Set<string>();
  readonly violations: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  add(image: string, snapshot: WorldSnapshot): void {
    const snapshots = this.images.get(image) ?? new Map<string, WorldSnapshot>();
    this.images.set(image, snapshots.set(snapshot.number, snapshot));
  }

  find(image: string, number: string): WorldSnapshot | undefined {
    return this.images.get(image)?.get(number);
  }

  all(): string[] {
    return [...this.images].flatMap(([image, snapshots]) =>
      [...snapshots.values()].map(({ number, uuid }) => `${image}/${number} ${uuid}`),
    );
  }

  /** Two effects must never work on one transfer's subvolume at the same time. */
  enter(transfer: string, what: string): void {
    if (this.busy.has(transfer)) this.violations.push(`${what} of ${transfer} beside another effect`);
    this.busy.add(transfer);
  }

  leave(transfer: string): void {
    this.busy.delete(transfer);
  }

  /** What of a transfer is hidden, but for one part, is deleted. */
  removeParts(transfer: string, keep: string | null): void {
    const partial = this.partials.get(transfer);
    if (partial === undefined) return;
    partial.parts = partial.parts.filter(({ name }) => name === keep);
    partial.is_complete = false;
    if (partial.parts.length === 0) this.partials.delete(transfer);
  }

  findPart(transfer: string, name: string): Part | undefined {
    return this.partials.get(transfer)?.parts.find((part) => part.name === name);
  }

  addPart(transfer: string, part: Part): void {
    const partial = this.partials.get(transfer) ?? { uuid: part.uuid, parts: [], is_complete: false };
    if (partial.parts.some(({ name }) => name === part.name)) this.violations.push(`${part.name} twice`);
    if (partial.parts.some(({ making }) => making !== part.making)) {
      this.violations.push(`${transfer} mixes two makings of its stream`);
    }
    partial.parts.push(part);
    this.partials.set(transfer, partial);
  }

  complete(transfer: string, uuid: string): void {
    const partial = this.partials.get(transfer) ?? { uuid, parts: [], is_complete: false };
    this.partials.set(transfer, partial);
    partial.is_complete = true;
  }

  /** Gives a complete partial its name. */
  publish(transfer: string, image: string, number: string): void {
    const partial = this.partials.get(transfer);
    if (partial === undefined || !partial.is_complete) {
      this.violations.push(`${transfer} published and is not complete`);
      return;
    }
    if (this.find(image, number) !== undefined) this.violations.push(`${transfer} published over a snapshot`);
    this.partials.delete(transfer);
    this.add(image, { number, uuid: partial.uuid });
    this.published.set(transfer, (this.published.get(transfer) ?? 0) + 1);
  }
}
