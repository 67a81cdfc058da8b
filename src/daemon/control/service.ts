import type { IncomingMessage, ServerResponse } from 'node:http';
import { IcbdError } from '../../core/errors.js';
import { serveEvents } from './event_stream.js';
import { HttpError, unknownRequest, wrongMethod } from './http_error.js';
import { type Target, partsOf, readBody, readTarget } from './read_request.js';
import { sendError, sendJson, sendText } from './reply.js';
import { ControlRoutes } from './routes.js';
import type { ControlParts } from './server.js';

const reading_methods = ['GET', 'HEAD'];

/** Answers what comes over HTTP, whichever way it came. */
export class ControlService {
  readonly #parts: ControlParts;
  readonly #routes: ControlRoutes;
  readonly #onError: (error: IcbdError) => void;

  constructor(parts: ControlParts, onError: (error: IcbdError) => void) {
    this.#parts = parts;
    this.#routes = new ControlRoutes(parts.operations);
    this.#onError = onError;
  }

  /** Never throws. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    try {
      await this.#answer(request, response, readTarget(request));
    } catch (thrown) {
      const failure = HttpError.from(thrown, request.url ?? '');
      if (failure.error.code === 'Internal') this.#onError(failure.error);
      await sendError(request, response, failure).catch(() => response.destroy());
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const { path } = target;
    if (path === '/livez' || path === '/readyz' || path === '/metrics') {
      return this.#probe(request, response, path);
    }
    if (path === '/v1/events') return this.#follow(request, response, target);
    if (!path.startsWith('/v1/')) throw unknownRequest(request.method ?? '', path);
    const value = await this.#routes.answer({
      method: request.method ?? 'GET',
      parts: partsOf(path.slice('/v1/'.length)),
      query: target.query,
      body: await readBody(request),
    });
    response.setHeader('cache-control', 'no-store');
    await sendJson(request, response, 200, value);
  }

  async #probe(
    request: IncomingMessage,
    response: ServerResponse,
    path: '/livez' | '/readyz' | '/metrics',
  ): Promise<void> {
    assertReading(request, path);
    const { probes } = this.#parts;
    if (probes === null) throw unknownRequest('GET', path);
    response.setHeader('cache-control', 'no-store');
    if (path === '/metrics') {
      const text = await probes.metrics();
      return sendText(request, response, { type: 'text/plain; version=0.0.4; charset=utf-8', text });
    }
    const answer = path === '/livez' ? probes.livez() : await probes.readyz();
    return sendJson(request, response, answer.ok ? 200 : 503, answer);
  }

  #follow(request: IncomingMessage, response: ServerResponse, target: Target): void {
    assertReading(request, target.path);
    const { feed } = this.#parts;
    if (feed === null) {
      throw new IcbdError('NotPermitted', 'this is a name server: it has no events to follow', {
        operation: 'follow events',
      });
    }
    serveEvents(feed, request, response, target);
  }
}

/** @throws HttpError when it would change something */
function assertReading({ method = '' }: IncomingMessage, path: string): void {
  if (!reading_methods.includes(method)) throw wrongMethod(method, path, reading_methods);
}
