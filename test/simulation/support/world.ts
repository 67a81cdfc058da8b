/** What stands on the disks: outside of the nodes' databases, and not undone by a crash. */
export interface WorldSnapshot {
  readonly number: string;
  readonly uuid: string;
}

interface Partial {
  readonly uuid: string;
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

  begin(transfer: string, uuid: string): void {
    if (this.partials.has(transfer)) this.violations.push(`${transfer} received over what was left`);
    this.partials.set(transfer, { uuid, is_complete: false });
  }

  complete(transfer: string): void {
    const partial = this.partials.get(transfer);
    if (partial === undefined) this.violations.push(`${transfer} lost its partial while it was received`);
    else partial.is_complete = true;
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
