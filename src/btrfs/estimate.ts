/** How large a send stream will be, found out without reading any data. */
import type { StreamVersion } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';
import type { BlockReader } from '../pipeline/blocks.js';
import { startChild } from '../pipeline/child.js';
import { uint64Attribute } from '../stream/attributes.js';
import { type Command, CommandReader } from '../stream/command_reader.js';
import { attribute_types, command_types, write_data_bytes } from '../stream/constants.js';
import { btrfsError } from './btrfs_errors.js';
import { cancelledBy } from './run_program.js';
import { sendArguments } from './stream_arguments.js';

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
 * The process is killed by the kernel when this one dies.
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
  const throwIfCancelled = (): void => {
    if (signal?.aborted === true) throw cancelledBy(signal, operation, what.path);
  };
  throwIfCancelled();
  const call = sendArguments({ ...what, compressed_data: false });
  const child = startChild({
    program: call.program,
    args: ['send', '--no-data', ...call.args.slice(1)],
    stdin: 'none',
    stdout: 'pipe',
    ...(signal === undefined ? {} : { signal }),
  });
  // Not AbortSignal.any with a timeout: on Node 20 what that makes can be collected before it fires.
  let is_late = false;
  const timer = setTimeout(() => {
    is_late = true;
    child.stop(new IcbdError('TimedOut', 'it takes too long', { operation, subject: what.path }).toReport());
  }, timeout_ms);
  const counted = countStream(child.stdout).catch((thrown: unknown) => {
    const error = IcbdError.from(thrown, operation, what.path);
    child.stop(error.toReport());
    return error;
  });
  const { exit_code, stderr_tail } = await child.finished;
  clearTimeout(timer);
  const sum = await counted;
  throwIfCancelled();
  if (is_late && exit_code !== 0) return null;
  // Stopped by us, the program is not to blame.
  if (exit_code !== 0 && child.stop_reason === undefined) {
    throw btrfsError(operation, what.path, { exit_code: exit_code ?? -1, stdout: '', stderr: stderr_tail });
  }
  try {
    if (sum instanceof IcbdError) throw sum;
    return sum();
  } catch (cut) {
    // It had ended by itself when it was stopped, but its output had not been read.
    if (is_late) return null;
    throw cut;
  }
}

/** Returns what gives the sum; @throws (both) IcbdError `CorruptData`, and the latter for a stream that broke off. */
async function countStream(stdout: BlockReader | undefined): Promise<() => number> {
  const reader = new CommandReader();
  let data_bytes = 0;
  let extent_command_bytes = 0;
  for await (const block of stdout ?? []) {
    for (const command of reader.push(block)) {
      if (command.type !== command_types.update_extent) continue;
      data_bytes += writeBytesFor(command);
      extent_command_bytes += command.bytes.length;
    }
  }
  return () => {
    reader.finish();
    return reader.consumed_bytes - extent_command_bytes + data_bytes;
  };
}
