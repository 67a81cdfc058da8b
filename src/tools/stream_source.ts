/** Where the stream comes from that a command of the command line looks at. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { IcbdError } from '../core/errors.js';
import { type Command, CommandReader } from '../stream/command_reader.js';

/** Large, since each read is a turn of the event loop. */
const read_bytes = 1024 * 1024;

export interface StreamSource {
  /** What it is called in messages. */
  readonly name: string;
  /** Its size, null for what is no plain file. */
  readonly total_bytes: number | null;
  readonly chunks: AsyncIterable<unknown>;
}

/**
 * Opens a file, or standard input for `-`.
 * @throws IcbdError `InvalidArgument` if there is no such file, or it is a directory; `NotPermitted`
 */
export async function openStreamSource(file: string): Promise<StreamSource> {
  if (file === '-') return { name: 'standard input', total_bytes: null, chunks: process.stdin };
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw unreadable(file, 'it is a directory');
    const total_bytes = found.isFile() ? found.size : null;
    return { name: file, total_bytes, chunks: createReadStream(file, { highWaterMark: read_bytes }) };
  } catch (error) {
    throw readFailure(error, file);
  }
}

function unreadable(name: string, why: string, cause?: unknown): IcbdError {
  return new IcbdError('InvalidArgument', `${name} cannot be read: ${why}`, {
    operation: 'read send stream',
    subject: name,
    hint: 'give the file that btrfs send has written, or "-" for standard input',
    cause,
  });
}

function readFailure(error: unknown, name: string): IcbdError {
  if (error instanceof IcbdError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return unreadable(name, 'there is no such file', error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new IcbdError('NotPermitted', `${name} may not be read`, {
      operation: 'read send stream',
      subject: name,
      cause: error,
    });
  }
  return code === undefined ? IcbdError.from(error, 'read send stream', name) : unreadable(name, code, error);
}

/**
 * Reads all commands; `visit` must not keep their bytes.
 * @param onProgress called with the bytes read so far after each chunk
 * @throws IcbdError what `visit` throws; `CorruptData`, `StreamVersionNotSupported`; as `openStreamSource`
 */
export async function readCommands(
  source: StreamSource,
  visit: (command: Command) => void,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const reader = new CommandReader();
  let bytes = 0;
  try {
    for await (const chunk of source.chunks) {
      if (!(chunk instanceof Uint8Array)) continue;
      const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      for (const command of reader.push(buffer)) visit(command);
      bytes += buffer.length;
      onProgress(bytes);
    }
  } catch (error) {
    throw readFailure(error, source.name);
  }
  reader.finish();
}
