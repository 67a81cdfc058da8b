import type { ActorAddress } from '../core/records.js';
import type { StatusReport } from '../core/report.js';
import type { Runtime } from '../runtime/runtime.js';
import { EventFeed, type FeedReport } from './event_feed.js';
import { reportImage } from './images/image_reports.js';
import type { NodeBase } from './node_base.js';
import type { Operations } from './operations/operations.js';
import { progressReport } from './progress_board.js';
import { system_clock } from './system_clock.js';

export interface NodeFeedOptions {
  readonly role: StatusReport['role'];
  readonly base: NodeBase;
  readonly runtime: Runtime;
  readonly operations: Pick<Operations, 'transfers' | 'replicas'>;
}

/** The event feed of a master or a replica, which tells of actors as the lists of its operations do. */
export function makeEventFeed({ role, base, runtime, operations }: NodeFeedOptions): EventFeed {
  const { storage, progress } = base;
  const report = async ({ kind, id }: ActorAddress): Promise<FeedReport | undefined> => {
    switch (kind) {
      case 'transfer':
      case 'reception':
        return { kind: 'transfers', report: await operations.transfers.get(id) };
      case 'replica':
        return { kind: 'replicas', report: await operations.replicas.get(id) };
      case 'image': {
        const record = storage.actors.load({ kind, id });
        return record && { kind: 'images', report: reportImage(base.mountpoint, record) };
      }
    }
  };
  return new EventFeed(
    {
      hello: () => ({ node: base.name, role, epoch: runtime.epoch }),
      subscribe: (subscriber) => runtime.subscribe(subscriber),
      lastEventId: () => storage.history.lastEventId(),
      eventsAfter: (event_id, limit) => storage.history.eventsAfter(event_id, limit),
      report,
      progress: () => progress.all().map((one) => ({ id: one.actor.id, progress: progressReport(one) })),
      transfer_kind: role === 'master' ? 'transfer' : 'reception',
    },
    system_clock,
  );
}
