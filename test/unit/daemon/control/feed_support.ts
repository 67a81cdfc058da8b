/** A daemon's control API over what a test makes up, on real sockets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import type { FeedProgress } from '../../../../src/core/feed.js';
import type { ActorAddress, EventRecord } from '../../../../src/core/records.js';
import { EventFeed, type FeedSource } from '../../../../src/daemon/event_feed.js';
import { system_clock } from '../../../../src/daemon/system_clock.js';
import { eventRecord } from '../../../support/event_record.js';

export const silent_log = pino({ level: 'silent' });

type Subscriber = Parameters<FeedSource['subscribe']>[0];

/** A node on which a test lets things happen. */
export class FeedBench {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-feed-'));
  readonly events: EventRecord[] = [];
  readonly subscribers = new Set<Subscriber>();
  moving: FeedProgress[] = [];
  /** Reports that were made. */
  reported = 0;
  feed: EventFeed;

  constructor() {
    this.feed = this.newFeed();
  }

  get socket(): string {
    return path.join(this.directory, 'control.sock');
  }

  /** As after a restart of the node: what was committed is still there. */
  newFeed(): EventFeed {
    this.feed = new EventFeed(
      {
        hello: () => ({ node: 'master', role: 'master', epoch: 1 }),
        subscribe: (subscriber) => {
          this.subscribers.add(subscriber);
          return () => this.subscribers.delete(subscriber);
        },
        lastEventId: () => this.events.at(-1)?.event_id ?? 0,
        eventsAfter: (after, limit) => this.events.filter(({ event_id }) => event_id > after).slice(0, limit),
        report: async ({ kind, id }) => {
          this.reported += 1;
          if (id === 'gone') throw new Error('there is none');
          const seen = this.events.filter((event) => event.kind === kind && event.id === id).length;
          const report = { id, name: id, events: seen };
          if (kind === 'image') return { kind: 'images', report };
          return { kind: kind === 'replica' ? 'replicas' : 'transfers', report };
        },
        progress: () => this.moving,
        transfer_kind: 'transfer',
      },
      system_clock,
    );
    return this.feed;
  }

  /** One commit with an event for each of these actors. */
  commit(...actors: readonly ActorAddress[]): EventRecord[] {
    const made = actors.map(({ kind, id }, index) => {
      const event_id = (this.events.at(-1)?.event_id ?? 0) + 1 + index;
      return eventRecord({ kind, id, event_id, event: { type: 'test' }, state: 'tested' });
    });
    this.events.push(...made);
    for (const subscriber of this.subscribers) subscriber({ events: made, parked: [] });
    return made;
  }

  dispose(): void {
    this.feed.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export const transfer = (id: string): ActorAddress => ({ kind: 'transfer', id });
