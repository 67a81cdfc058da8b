/** What `GET /v1/events` tells, and what those ask for who watch over a daemon. */
import { z } from 'zod';
import type { FeedChoice, FeedData, FeedGap, FeedHello, FeedKind, FeedProgress } from '../../../core/feed.js';
import type { ProbeAnswer } from '../probes.js';
import { at_ms_or, count } from './common.js';
import { imageSchema } from './image.js';
import { replicaSchema } from './node.js';
import { eventSchema } from './records.js';
import { progressSchema, transferSchema } from './transfer.js';

const helloSchema: z.ZodType<FeedHello> = z
  .strictObject({
    node: z.string(),
    role: z.enum(['master', 'replica', 'nameserver']),
    epoch: count,
    last_event_id: count.describe('of the newest event that there is; 0: none'),
  })
  .meta({ id: 'FeedHello', description: 'always the first message' });

const gapSchema: z.ZodType<FeedGap> = z
  .strictObject({ from: z.int(), to: z.int() })
  .meta({ id: 'FeedGap', description: 'events that are not told: all has to be read anew' });

const movingSchema: z.ZodType<FeedProgress> = z
  .strictObject({ id: z.string().describe('of the transfer'), progress: progressSchema })
  .meta({ id: 'FeedProgress' });

/** The data of each kind of message. */
export const feed_schemas = {
  hello: helloSchema,
  gap: gapSchema,
  event: eventSchema,
  transfers: z.array(transferSchema).describe('those that have changed, gathered for 200 ms'),
  replicas: z.array(replicaSchema).describe('those that have changed'),
  images: z.array(imageSchema).describe('those that have changed'),
  progress: z.array(movingSchema).describe('once a second, while bytes move'),
} as const satisfies { readonly [K in FeedKind]: z.ZodType<FeedData[K]> };

export const feed_meanings: Readonly<Record<Exclude<FeedKind, FeedChoice>, string>> = {
  hello: 'always the first message',
  gap: 'more than 10,000 events were missed, or some are gone: all has to be read anew',
};

export const probeSchema: z.ZodType<ProbeAnswer> = z
  .strictObject({
    ok: z.boolean(),
    checks: z.array(
      z.strictObject({
        name: z.string(),
        ok: z.boolean(),
        text: z.string().describe('what was found; empty for those who have not proved who they are'),
      }),
    ),
  })
  .meta({ id: 'ProbeAnswer' });

export const sessionSchema = z
  .strictObject({ expires_at_ms: at_ms_or('no session is needed here, or it has ended') })
  .meta({ id: 'SessionReport' });
