import type { LinkHandlers } from '../../core/link.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { ImageRepository } from '../images/image_repository.js';
import type { NodeBase } from '../node_base.js';
import { system_clock } from '../system_clock.js';
import { ByteCounts } from './byte_counts.js';
import { FleetBoard } from './fleet_board.js';
import { Throughput } from './throughput.js';

/** What a master knows of its fleet as a whole: who has what, and how much went where. */
export class MasterFleet {
  readonly board: FleetBoard;
  readonly counts: ByteCounts;
  /** Links that were lost since the start, by replica. */
  readonly links_lost = new Map<string, number>();
  readonly #throughput: Throughput;

  /** To be made before the runtime starts. */
  constructor({ storage, progress }: NodeBase, runtime: Runtime, repository: ImageRepository) {
    this.board = new FleetBoard({
      rows: storage.copies,
      clock: system_clock,
      images: () => repository.list().map(({ name }) => name),
      list: (image) => repository.snapshots(image),
    });
    this.counts = new ByteCounts(progress, (actor) => storage.actors.load(actor)?.labels.replica);
    this.#throughput = new Throughput({
      clock: system_clock,
      counts: this.counts,
      rows: storage.throughput,
      transaction: (work) => storage.quickTransaction(work),
    });
    runtime.subscribe((commit) => this.board.note(commit));
  }

  /** The same handlers; the fleet hears of links after those who live by them. */
  watching(handlers: LinkHandlers): LinkHandlers {
    return {
      ...handlers,
      onUp: (link) => {
        handlers.onUp(link);
        this.board.linkUp(link);
      },
      onDown: (link, reason) => {
        const { node } = link.peer;
        this.board.linkDown(link);
        this.links_lost.set(node, (this.links_lost.get(node) ?? 0) + 1);
        handlers.onDown(link, reason);
      },
    };
  }

  /** To be called when no link is up any more. */
  async close(): Promise<void> {
    await this.board.close();
    this.#throughput.close();
  }
}
