/** How large a send stream will be, found out without reading any data. */
import { execa } from 'execa';
import type { StreamVersion } from '../core/codecs.js';
import { uint64Attribute } from '../stream/attributes.js';
import { type Command, CommandReader } from '../stream/command_reader.js';
import { attribute_types, command_types, write_data_bytes } from '../stream/constants.js';
import { btrfsError } from './btrfs_errors.js';
import { cancelledBy, program_environment, programNotFound } from './run_program.js';
import { sendArguments } from './stream_arguments.js';

/** The part of stderr that is kept for the message. */
const stderr_characters_max = 10_000;

/**
 * Bytes that the stream will have in place of one UPDATE_EXTENT: the WRITEs of its extent. They carry the same path
 * and offset, and DATA with its header where UPDATE_EXTENT has SIZE.
 */
function writeBytesFor(command: Command): number {
  const data_bytes = Number(uint64Attribute(command.attributes(), attribute_types.size));
  const writes = Math.ceil(data_bytes / write_data_bytes[command.version]);
  const size_attribute_bytes = 12;
  const data_header_bytes = command.version === 1 ? 4 : 2;
  return data_bytes + writes * (command.bytes.length - size_attribute_bytes + data_header_bytes);
}

/**
 * The expected bytes of a send stream before any codec, by `btrfs send --no-data`, which reads only metadata.
 * With compressed data in version 2 it is an upper bound: extents that are compressed on disk make the stream
 * smaller. Null if it takes longer than `timeout_ms`.
 *
 * The process dies with this one at its next write, since its output is closed then.
 * @throws IcbdError `BtrfsFailed`, `NotPermitted`, `ProgramNotFound`, `Cancelled` (by the signal), `CorruptData`
 */
export async function estimateStreamBytes(
  what: {
    readonly path: string;
    readonly parent?: string | undefined;
    readonly stream_version: StreamVersion;
  },
  options: { readonly signal?: AbortSignal; readonly timeout_ms: number },
): Promise<number | null> {
  const operation = 'btrfs send --no-data';
  const { signal, timeout_ms } = options;
  if (signal?.aborted === true) throw cancelledBy(signal, operation, what.path);
  const call = sendArguments({ ...what, compressed_data: false });
  const child = execa(call.program, ['send', '--no-data', ...call.args.slice(1)], {
    reject: false,
    stdin: 'ignore',
    buffer: { stdout: false },
    maxBuffer: { stderr: stderr_characters_max },
    encoding: 'buffer',
    env: program_environment,
    timeout: timeout_ms,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  const counted = countStream(child.stdout).catch((error: unknown) => {
    child.kill('SIGKILL');
    return { error };
  });
  const result = await child;
  const sum = await counted;
  if (result.isCanceled && signal !== undefined) throw cancelledBy(signal, operation, what.path);
  if (result.timedOut) return null;
  if (result.code === 'ENOENT') throw programNotFound(call.program, result.cause);
  if (typeof sum !== 'number' && result.exitCode === undefined) throw sum.error;
  if (result.exitCode !== 0) {
    const stderr = Buffer.from(result.stderr).toString();
    throw btrfsError(operation, what.path, { exit_code: result.exitCode ?? -1, stdout: '', stderr });
  }
  if (typeof sum !== 'number') throw sum.error;
  return sum;
}

async function countStream(stdout: AsyncIterable<unknown>): Promise<number> {
  const reader = new CommandReader();
  let data_bytes = 0;
  let extent_command_bytes = 0;
  for await (const chunk of stdout) {
    if (!(chunk instanceof Uint8Array)) continue;
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (const command of reader.push(buffer)) {
      if (command.type !== command_types.update_extent) continue;
      data_bytes += writeBytesFor(command);
      extent_command_bytes += command.bytes.length;
    }
  }
  reader.finish();
  return reader.consumed_bytes - extent_command_bytes + data_bytes;
}
