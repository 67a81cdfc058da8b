/** How answers go out. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HttpError } from './http_error.js';

const compress = promisify(gzip);

/** Shorter answers are not worth to be compressed, bytes. */
const compressed_bytes_min = 2_048;

/** Whether the client takes an encoding. */
export function accepts(request: IncomingMessage, encoding: 'br' | 'gzip'): boolean {
  const wanted = (request.headers['accept-encoding'] ?? '').split(',');
  return wanted.some((one) => {
    const [name = '', ...parameters] = one.trim().toLowerCase().split(';');
    const is_refused = parameters.some((text) => /^\s*q=0(\.0*)?\s*$/.test(text));
    return name.trim() === encoding && !is_refused;
  });
}

/** An answer of text, compressed if it is long and the client takes that. */
export async function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  { status = 200, type, text }: { readonly status?: number; readonly type: string; readonly text: string },
): Promise<void> {
  let bytes = Buffer.from(text);
  response.setHeader('vary', 'accept-encoding');
  if (bytes.length >= compressed_bytes_min && accepts(request, 'gzip')) {
    bytes = await compress(bytes, { level: 4 });
    response.setHeader('content-encoding', 'gzip');
  }
  if (response.destroyed) return;
  response.statusCode = status;
  response.setHeader('content-type', type);
  response.setHeader('content-length', bytes.length);
  response.end(bytes);
}

export function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: unknown,
): Promise<void> {
  return sendText(request, response, { status, type: 'application/json', text: JSON.stringify(value) });
}

export async function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  { status, error, headers }: HttpError,
): Promise<void> {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  await sendJson(request, response, status, { error: error.toReport() });
}
