/** Asks a control API for what its own description says. */
import type { FeedMessage } from '../../src/core/feed.js';
import { type ApiDocument, type ApiOperation, ApiSchemas, operationsOf } from './api_document.js';

export interface Asked {
  /** What stands for the names of the path. */
  readonly names?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default: 200. */
  readonly status?: number;
}

/** Asks, checks each answer with the document, and remembers what was asked. */
export class ApiCaller {
  readonly #url: string;
  readonly #token: string;
  readonly #schemas: ApiSchemas;
  readonly #operations: ReadonlyMap<string, { method: string; path: string; operation: ApiOperation }>;
  readonly #uncalled: Set<string>;

  constructor(url: string, token: string, document: ApiDocument) {
    this.#url = url;
    this.#token = token;
    this.#schemas = new ApiSchemas(document);
    this.#operations = new Map(operationsOf(document).map((one) => [one.operation.operationId, one]));
    this.#uncalled = new Set(this.#operations.keys());
  }

  /** Those that nobody has asked for. */
  get uncalled(): string[] {
    return [...this.#uncalled];
  }

  /** @returns the answer @throws Error when it has another status, or does not fit the document */
  async call(operation_id: string, asked: Asked = {}): Promise<Record<string, never>> {
    const { names = {}, query = {}, body, status = 200 } = asked;
    const found = this.#operations.get(operation_id);
    if (found === undefined) throw new Error(`the document has no ${operation_id}`);
    const at = found.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(names[name] ?? ''),
    );
    const pairs = new URLSearchParams(query).toString();
    const answer = await fetch(`${this.#url}${at}${pairs === '' ? '' : `?${pairs}`}`, {
      method: found.method.toUpperCase(),
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.status !== status)
      throw new Error(`${operation_id}: ${answer.status} and not ${status}: ${text}`);
    this.#uncalled.delete(operation_id);
    if (!(answer.headers.get('content-type') ?? '').startsWith('application/json')) return {};
    const value = JSON.parse(text) as Record<string, never>;
    this.#schemas.checkAnswer(found.operation, status, value);
    return value;
  }

  /** What was told while the rest was asked. */
  checkMessages(messages: readonly FeedMessage[]): void {
    const kinds = this.#operations.get('getEvents')?.operation['x-messages'] ?? {};
    for (const { kind, data } of messages) this.#schemas.check(kinds[kind] ?? { not: {} }, data);
    this.#uncalled.delete('getEvents');
  }
}
