/** The page: files that were built, served as they are. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { IcbdError } from '../../core/errors.js';
import { HttpError, unknownRequest } from './http_error.js';
import { accepts } from './reply.js';

/** Where the build puts the page. */
export const built_page = fileURLToPath(new URL('../../../dist/web', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};
/** Files that are compressed already. */
const compressed_types = new Set(['.png', '.woff2']);
const brotli_quality = 9;

type Encoding = 'br' | 'gzip';

class PageFile {
  readonly type: string;
  /** Of the bytes as they are. */
  readonly hash: string;
  readonly bytes: Buffer;
  readonly #is_compressible: boolean;
  readonly #compressed = new Map<Encoding, Promise<Buffer>>();

  constructor(file: string) {
    const extension = path.extname(file);
    this.type = types[extension] ?? 'application/octet-stream';
    this.bytes = readFileSync(file);
    this.hash = createHash('sha256').update(this.bytes).digest('base64url').slice(0, 22);
    this.#is_compressible = !compressed_types.has(extension);
  }

  encodingFor(request: IncomingMessage): Encoding | undefined {
    if (!this.#is_compressible) return undefined;
    return (['br', 'gzip'] as const).find((encoding) => accepts(request, encoding));
  }

  compressed(encoding: Encoding): Promise<Buffer> {
    const known = this.#compressed.get(encoding);
    if (known !== undefined) return known;
    const made =
      encoding === 'gzip'
        ? promisify(gzip)(this.bytes)
        : promisify(brotliCompress)(this.bytes, {
            params: { [constants.BROTLI_PARAM_QUALITY]: brotli_quality },
          });
    this.#compressed.set(encoding, made);
    return made;
  }
}

/** The files of a built page. A request is looked up among their names: no other file can be reached. */
export class StaticFiles {
  readonly #directory: string;
  /** By path; as they were when the page was built last. */
  #files = new Map<string, PageFile>();
  #built_at_ms: number | undefined;

  /** @param directory with `index.html` and `assets` */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws HttpError 404 */
  async serve(request: IncomingMessage, response: ServerResponse, target: string): Promise<void> {
    this.#read();
    const is_asset = target.startsWith('/assets/');
    const file = this.#files.get(target) ?? (wantsPage(request, target) ? this.#page() : undefined);
    if (file === undefined) throw unknownRequest(request.method ?? '', target);
    const encoding = file.encodingFor(request);
    const tag = `"${file.hash}${encoding === undefined ? '' : `-${encoding}`}"`;
    response.setHeader('etag', tag);
    response.setHeader('vary', 'accept-encoding');
    // The name of an asset changes with what is in it.
    response.setHeader('cache-control', is_asset ? 'public, max-age=31536000, immutable' : 'no-cache');
    if (knownTags(request).includes(tag)) {
      response.statusCode = 304;
      response.end();
      return;
    }
    const bytes = encoding === undefined ? file.bytes : await file.compressed(encoding);
    if (encoding !== undefined) response.setHeader('content-encoding', encoding);
    response.setHeader('content-type', file.type);
    response.setHeader('content-length', bytes.length);
    response.end(bytes);
  }

  #page(): PageFile {
    const page = this.#files.get('/index.html');
    if (page !== undefined) return page;
    const error = new IcbdError('DirNotFound', 'the page was not built', {
      operation: 'serve page',
      subject: this.#directory,
      hint: 'npm run build makes it; all that it does, the command icbdrep does too',
    });
    throw new HttpError(404, error);
  }

  /** Reads all files, if the page was built since. */
  #read(): void {
    const index = statSync(path.join(this.#directory, 'index.html'), { throwIfNoEntry: false });
    if (index?.mtimeMs === this.#built_at_ms) return;
    this.#built_at_ms = index?.mtimeMs;
    this.#files = index === undefined ? new Map() : readFiles(this.#directory);
  }
}

function readFiles(directory: string): Map<string, PageFile> {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return new Map(files.map((file) => [`/${path.relative(directory, file)}`, new PageFile(file)]));
}

/** Whether a path is one of the page's own: the page itself knows what to show there. */
function wantsPage({ headers }: IncomingMessage, target: string): boolean {
  if (target === '/') return true;
  const is_file = (target.split('/').at(-1) ?? '').includes('.');
  return !is_file && (headers.accept ?? '').includes('text/html');
}

function knownTags({ headers }: IncomingMessage): string[] {
  return (headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
}
