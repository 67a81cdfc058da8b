/** What a daemon tells to those who follow it, while it happens: the messages of `GET /v1/events`. */
import type { EventRecord } from './records.js';
import type { ImageReport, ProgressReport, ReplicaReport, StatusReport, TransferReport } from './report.js';

/** Always the first message. */
export interface FeedHello {
  readonly node: string;
  readonly role: StatusReport['role'];
  readonly epoch: number;
  /** Of the newest event that there is; 0: none. */
  readonly last_event_id: number;
}

/** Events that are not told, because there are too many or they are gone: all has to be read anew. */
export interface FeedGap {
  /** Event ids, both of them missing. */
  readonly from: number;
  readonly to: number;
}

export interface FeedProgress {
  /** Of the transfer. */
  readonly id: string;
  readonly progress: ProgressReport;
}

/** What each kind of message carries. */
export interface FeedData {
  readonly hello: FeedHello;
  readonly gap: FeedGap;
  readonly event: EventRecord;
  /** Those that have changed, as they are now. */
  readonly transfers: readonly TransferReport[];
  readonly replicas: readonly ReplicaReport[];
  readonly images: readonly ImageReport[];
  /** Those whose bytes move, once a second. */
  readonly progress: readonly FeedProgress[];
}

export type FeedKind = keyof FeedData;

/** Kinds that a follower can choose from; the others always come. */
export const feed_choices = ['event', 'transfers', 'replicas', 'images', 'progress'] as const;

export type FeedChoice = (typeof feed_choices)[number];

export type FeedMessage = {
  [K in FeedKind]: { readonly kind: K; readonly data: FeedData[K] };
}[FeedKind];
