/** What a client has sent. */
import type { IncomingMessage } from 'node:http';
import { IcbdError } from '../../core/errors.js';

/** Longest request body, bytes. */
const body_bytes_max = 1024 * 1024;

export interface Target {
  /** As it was sent. */
  readonly path: string;
  readonly query: URLSearchParams;
}

function invalid(message: string, cause?: unknown): IcbdError {
  return new IcbdError('InvalidArgument', message, { operation: 'control', cause });
}

/** @throws IcbdError `InvalidArgument` */
export function readTarget(request: IncomingMessage): Target {
  try {
    const { pathname, searchParams } = new URL(`http://control${(request.url ?? '/').replace(/^\/*/, '/')}`);
    return { path: pathname, query: searchParams };
  } catch (error) {
    throw invalid('the path is not valid', error);
  }
}

/** Decoded parts of a path. @throws IcbdError `InvalidArgument` */
export function partsOf(path: string): string[] {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch (error) {
    throw invalid('the path is not valid', error);
  }
}

/**
 * The body as JSON; undefined if there is none.
 * @throws IcbdError `InvalidArgument`, `FrameTooLarge`
 */
export async function readBody(request: IncomingMessage, bytes_max = body_bytes_max): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytes_max) {
      throw new IcbdError('FrameTooLarge', `a request has at most ${bytes_max} bytes`, {
        operation: 'control',
      });
    }
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (error) {
    throw invalid('the body is not JSON', error);
  }
}
