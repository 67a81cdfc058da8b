import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { IcbdError } from '../../core/errors.js';
import type { EventFeed } from '../event_feed.js';
import { node_version } from '../node_status.js';
import type { Operations } from '../operations/operations.js';
import type { Access } from './access.js';
import { serveEvents } from './event_stream.js';
import { HttpError, unknownRequest, wrongMethod } from './http_error.js';
import { describeApi } from './openapi.js';
import type { ProbeAnswer, Probes } from './probes.js';
import { type Target, partsOf, readBody, readTarget } from './read_request.js';
import { sendError, sendJson, sendText } from './reply.js';
import { ControlRoutes } from './routes.js';
import type { StaticFiles } from './static_files.js';

/** What the control API gives access to. */
export interface ControlParts {
  readonly operations: Operations;
  /** Null: this node has no actors. */
  readonly feed: EventFeed | null;
  /** Null: nobody watches over it. */
  readonly probes: Probes | null;
}

const reading_methods = ['GET', 'HEAD'];

/** Said with every answer; the page takes nothing from elsewhere, and nobody shows it inside of theirs. */
const headers = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** Answers what comes over HTTP, whichever way it came. */
export class ControlService {
  readonly #parts: ControlParts;
  readonly #routes: ControlRoutes;
  readonly #page: StaticFiles;
  readonly #log: Logger;
  /** Made when somebody asks for it. */
  #description: string | undefined;

  constructor(parts: ControlParts, page: StaticFiles, log: Logger) {
    this.#parts = parts;
    this.#routes = new ControlRoutes(parts.operations);
    this.#page = page;
    this.#log = log;
  }

  /** Never throws. */
  async serve(access: Access, request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    try {
      await this.#answer(access, request, response, readTarget(request));
    } catch (thrown) {
      const failure = HttpError.from(thrown, request.url ?? '');
      if (failure.error.code === 'Internal')
        this.#log.error({ err: failure.error }, 'control request failed');
      await sendError(request, response, failure).catch(() => response.destroy());
    }
  }

  async #answer(
    access: Access,
    request: IncomingMessage,
    response: ServerResponse,
    target: Target,
  ): Promise<void> {
    const { path } = target;
    if (path === '/livez' || path === '/readyz') return this.#probe(access, request, response, path);
    access.check(request);
    if (path === '/v1/session') return this.#session(access, request, response);
    if (path === '/metrics') return this.#metrics(access, request, response);
    if (!path.startsWith('/v1/')) {
      assertReading(request, path);
      return this.#page.serve(request, response, path);
    }
    response.setHeader('cache-control', 'no-store');
    access.authenticate(request);
    if (path === '/v1/events') return this.#follow(request, response, target);
    if (path === '/v1/openapi.json') {
      assertReading(request, path);
      this.#description ??= JSON.stringify(describeApi(this.#routes.all, node_version));
      return sendText(request, response, { type: 'application/json', text: this.#description });
    }
    const value = await this.#routes.answer({
      method: request.method ?? 'GET',
      parts: partsOf(path.slice('/v1/'.length)),
      query: target.query,
      body: await readBody(request),
    });
    await sendJson(request, response, 200, value);
  }

  async #session(access: Access, request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('cache-control', 'no-store');
    await sendJson(request, response, 200, await access.session(request, response));
  }

  async #probe(
    access: Access,
    request: IncomingMessage,
    response: ServerResponse,
    path: '/livez' | '/readyz',
  ): Promise<void> {
    assertReading(request, path);
    const probes = this.#probes(path);
    const answer = path === '/livez' ? probes.livez() : await probes.readyz();
    response.setHeader('cache-control', 'no-store');
    const told = access.isKnown(request) ? answer : withoutText(answer);
    await sendJson(request, response, answer.ok ? 200 : 503, told);
  }

  async #metrics(access: Access, request: IncomingMessage, response: ServerResponse): Promise<void> {
    assertReading(request, '/metrics');
    access.authenticate(request);
    const text = await this.#probes('/metrics').metrics();
    response.setHeader('cache-control', 'no-store');
    await sendText(request, response, { type: 'text/plain; version=0.0.4; charset=utf-8', text });
  }

  #probes(path: string): Probes {
    if (this.#parts.probes === null) throw unknownRequest('GET', path);
    return this.#parts.probes;
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

/** What those hear who have not proved who they are. */
function withoutText({ ok, checks }: ProbeAnswer): ProbeAnswer {
  return { ok, checks: checks.map((check) => ({ ...check, text: '' })) };
}

/** @throws HttpError when it would change something */
function assertReading({ method = '' }: IncomingMessage, path: string): void {
  if (!reading_methods.includes(method)) throw wrongMethod(method, path, reading_methods);
}
