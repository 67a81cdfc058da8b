/** `GET /v1/events`: server-sent events. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { IcbdError } from '../../core/errors.js';
import { type FeedChoice, feed_choices } from '../../core/feed.js';
import type { EventFeed } from '../event_feed.js';
import type { FeedOutput } from '../event_feed_reader.js';
import { HttpError } from './http_error.js';
import type { Target } from './read_request.js';
import { fit, queryOf } from './route.js';

/** Readers at a time. */
const readers_max = 500;
/** How long a browser waits until it comes again, ms. */
const retry_ms = 1_000;

const choice = z.enum(feed_choices);

export const events_query = z.strictObject({
  after: z.coerce.number().int().min(0).optional().meta({
    description: 'tells first what happened since the event of this id; as the header Last-Event-ID',
  }),
  only: z
    .string()
    .optional()
    .meta({
      description: `kinds of messages, joined by commas: ${feed_choices.join(', ')}; default: all`,
      examples: ['transfers,replicas,progress'],
    }),
  actor: z
    .string()
    .optional()
    .meta({ description: 'only of this actor, for example `transfer/17-3fa9`', examples: ['replica/r1'] }),
});

function outputOf(response: ServerResponse): FeedOutput {
  return {
    write: (bytes) => {
      response.write(bytes);
    },
    waitingBytes: () => response.writableLength,
    drained: () =>
      new Promise((resolve) => {
        if (!response.writableNeedDrain || response.destroyed) return resolve();
        response.once('drain', resolve);
        response.once('close', resolve);
      }),
    end: () => {
      response.end();
    },
    cut: () => {
      response.destroy();
    },
  };
}

/** The place from which a client goes on: a browser says it in a header when it comes again. */
function placeOf(request: IncomingMessage, after: number | undefined): number | undefined {
  const header = request.headers['last-event-id'];
  if (header === undefined || header === '') return after;
  return fit(z.coerce.number().int().min(0), header, 'Last-Event-ID');
}

/**
 * Answers with all that happens, for as long as the client stays.
 * @throws IcbdError `InvalidArgument`, HttpError when too many follow it already; then nothing was answered
 */
export function serveEvents(
  feed: EventFeed,
  request: IncomingMessage,
  response: ServerResponse,
  { query }: Target,
): void {
  const { after, only, actor } = queryOf(events_query, query);
  const wish = {
    after: placeOf(request, after),
    only:
      only === undefined ? undefined : (fit(z.array(choice), only.split(','), 'only') satisfies FeedChoice[]),
    actor,
  };
  if (feed.reader_count >= readers_max) {
    const message = `${readers_max} follow what happens here already`;
    throw new HttpError(503, new IcbdError('Busy', message, { operation: 'follow events' }), {
      'retry-after': '10',
    });
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // Proxies that gather answers would hold the events back.
    'x-accel-buffering': 'no',
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  response.write(`retry: ${retry_ms}\n\n`);
  const close = feed.open(outputOf(response), wish);
  response.once('close', close);
}
