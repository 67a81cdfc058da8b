/** The description of the control API, made from its routes: OpenAPI 3.1. */
import { error_codes, isErrorCode } from '../../core/errors.js';
import { login_body } from './access.js';
import { events_query } from './event_stream.js';
import { statusOf } from './http_error.js';
import { type Json, SchemaBook } from './openapi_schemas.js';
import type { Route } from './route.js';
import { errorAnswer } from './schemas/common.js';
import { feed_meanings, feed_schemas, probeSchema, sessionSchema } from './schemas/feed.js';

const description = `All that icbdrep can do. Over the unix socket nothing is needed besides the right to open it; over TCP
each request shows the token in a header, or the cookie of a session that the token opened. The same address serves the
page. Answers are JSON; what is refused is answered with an ErrorAnswer, whose code programs branch on.`;

const json = (schema: Json): Json => ({ 'application/json': { schema } });

/** Which codes an error status stands for. */
function codesByStatus(): Map<number, string[]> {
  const codes = new Map<number, string[]>([
    [401, ['AuthenticationFailed']],
    [405, ['InvalidArgument']],
    [415, ['InvalidArgument']],
    [429, ['Busy']],
  ]);
  for (const code of Object.keys(error_codes).filter(isErrorCode)) {
    const status = statusOf(code);
    codes.set(status, [...(codes.get(status) ?? []), code]);
  }
  // A path that is not there.
  codes.set(404, [...(codes.get(404) ?? []), 'InvalidArgument']);
  return new Map([...codes].toSorted(([one], [other]) => one - other));
}

const status_words: Readonly<Record<number, string>> = {
  400: 'the request is not valid',
  401: 'no token, or a wrong one',
  403: 'not allowed from here, or not on this node',
  404: 'not found',
  405: 'the path has other methods',
  409: 'exists already, or not allowed in the state of now',
  413: 'the request is too long',
  415: 'the body is not JSON',
  429: 'too many wrong tokens',
  500: 'it failed',
  503: 'something that is needed is not there now',
};

function errorResponses(): { readonly named: Json; readonly references: Json } {
  const named: Json = {};
  const references: Json = {};
  for (const [status, codes] of codesByStatus()) {
    const name = `Error${status}`;
    named[name] = {
      description: `${status_words[status] ?? 'it failed'}: ${codes.join(', ')}`,
      content: json({ $ref: '#/components/schemas/ErrorAnswer' }),
    };
    references[status] = { $ref: `#/components/responses/${name}` };
  }
  return { named, references };
}

/** What stands in paths. */
const path_words: Readonly<Record<string, string>> = {
  id: 'of the transfer or the comparison; of a transfer the number before the dash is enough',
  image: 'name of the image',
  kind: 'of the machine: image, replica, transfer or reception',
  name: 'of the replica, which its number names too, or of the registration',
  number: 'of the snapshot',
};

/** `GET transfers/:id/history` is `getTransfersByIdHistory`. */
function operationId(method: string, path: string): string {
  const words = path.split(/[/-]/).map((word) => (word.startsWith(':') ? `by-${word.slice(1)}` : word));
  const rest = words.flatMap((word) => word.split(/[-_.]/)).filter((word) => word !== '');
  return method.toLowerCase() + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/** Makes the document. */
class Description {
  readonly paths: Record<string, Json> = {};
  readonly book = new SchemaBook();
  readonly errors = errorResponses();

  add(method: string, path: string, operation: Json): void {
    const written = path.replaceAll(/:(\w+)/g, '{$1}');
    const at = `/${written}`;
    const item = (this.paths[at] ??= {});
    const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
    const parameters = [
      ...names.map((name) => ({
        name,
        in: 'path',
        required: true,
        description: path_words[name] ?? name,
        schema: { type: 'string' },
      })),
      ...((operation['parameters'] as Json[] | undefined) ?? []),
    ];
    const responses = { ...(operation['responses'] as Json), ...this.errors.references };
    item[method.toLowerCase()] = {
      operationId: operationId(method, path.replace(/^v1\//, '')),
      ...operation,
      ...(parameters.length === 0 ? {} : { parameters }),
      responses,
    };
  }

  route({ method, path, summary, group, query, body, answer }: Route): void {
    this.add(method, `v1/${path}`, {
      summary,
      tags: [group],
      ...(query === null ? {} : { parameters: this.book.parameters(query) }),
      ...(body === null ? {} : { requestBody: this.body(body) }),
      responses: { 200: { description: summary, content: json(this.book.of(answer, 'output')) } },
    });
  }

  body(schema: Parameters<SchemaBook['of']>[0]): Json {
    // Without a body counts as one with nothing in it.
    return { required: !schema.safeParse({}).success, content: json(this.book.of(schema, 'input')) };
  }

  /** What is no plain question and answer. */
  others(): void {
    this.add('GET', 'v1/openapi.json', {
      summary: 'this document',
      tags: ['api'],
      responses: { 200: { description: 'this document', content: json({ type: 'object' }) } },
    });
    const session = json(this.book.of(sessionSchema, 'output'));
    this.add('POST', 'v1/session', {
      summary: 'logs a browser in, for 12 hours',
      tags: ['api'],
      security: [],
      requestBody: this.body(login_body),
      responses: { 200: { description: 'the session is in the cookie that is set', content: session } },
    });
    this.add('DELETE', 'v1/session', {
      summary: 'logs a browser out',
      tags: ['api'],
      security: [],
      responses: { 200: { description: 'the session holds no more', content: session } },
    });
    for (const [path, summary] of [
      ['livez', 'whether the process works; if not, it should be started again'],
      ['readyz', 'whether it can do its work now'],
    ] as const) {
      const content = json(this.book.of(probeSchema, 'output'));
      const responses = { 200: { description: 'all is well', content } };
      this.add('GET', path, { summary, tags: ['probes'], security: [], responses });
      // Not an error of the request: what was found is told as when all is well.
      const operation = this.paths[`/${path}`]?.['get'] as { responses: Json };
      operation.responses['503'] = { description: 'something is wrong', content };
    }
    this.add('GET', 'metrics', {
      summary: 'all figures, for Prometheus',
      tags: ['probes'],
      responses: { 200: { description: 'text', content: { 'text/plain': { schema: { type: 'string' } } } } },
    });
    this.events();
  }

  events(): void {
    const kinds = Object.entries(feed_schemas).map(([kind, schema]) => [
      kind,
      this.book.of(schema, 'output'),
    ]);
    const meanings = Object.entries(feed_meanings).map(([kind, meaning]) => `\`${kind}\`: ${meaning}.`);
    this.add('GET', 'v1/events', {
      summary: 'what happens, while it happens: server-sent events',
      description: `${meanings.join(' ')} The id of a message is that of the event; a reader that comes again with it is
told what it missed. A block with an id alone moves that place on. A reader that is too slow is disconnected.`,
      tags: ['api'],
      parameters: [
        ...this.book.parameters(events_query),
        {
          name: 'Last-Event-ID',
          in: 'header',
          required: false,
          description: 'as `after`, and stronger: browsers send it when they come again',
          schema: { type: 'string', pattern: '^[0-9]+$' },
        },
      ],
      responses: {
        200: {
          description: 'messages, each of one of the kinds in x-messages',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
      },
      'x-messages': Object.fromEntries(kinds) as Json,
    });
  }
}

/**
 * The description of the control API.
 * @param version of this program
 */
export function describeApi(routes: readonly Route[], version: string): Json {
  const described = new Description();
  const { book, paths, errors } = described;
  for (const route of routes) described.route(route);
  described.others();
  book.of(errorAnswer, 'output');
  const tags = [...new Set([...routes.map(({ group }) => group), 'api', 'probes'])];
  return {
    openapi: '3.1.0',
    info: { title: 'icbdrep', version, description: description.replaceAll('\n', ' ') },
    tags: tags.map((name) => ({ name })),
    security: [{ token: [] }, { session: [] }, {}],
    paths,
    components: {
      schemas: book.components,
      responses: errors.named,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: "what stands in the daemon's token file" },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'icbdrep_9411',
          description:
            'set by POST /v1/session; the number is the port, and with TLS `__Host-` stands before it',
        },
      },
    },
  };
}
