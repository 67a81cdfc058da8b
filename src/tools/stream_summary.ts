/** What a send stream consists of, counted: `icbdrep stream inspect --summary`. */
import type { Command } from '../stream/command_reader.js';
import { decodeCommand } from '../stream/decode_command.js';
import { shownName } from '../stream/shown_name.js';
import { readCommands, type StreamSource } from './stream_source.js';

export interface CommandCount {
  readonly commands: number;
  /** Of whole commands, headers included. */
  readonly bytes: number;
}

export interface StreamSummary {
  /** Stream headers included. */
  readonly stream_bytes: number;
  readonly commands: number;
  readonly by_command: readonly (CommandCount & { readonly command: string })[];
  /** By the path that the command itself names, most bytes first. */
  readonly by_path: readonly (CommandCount & { readonly path: string })[];
  /** Commands about paths beyond the first 100,000, which are not counted by path. */
  readonly other_paths: CommandCount;
}

/** So many are counted one by one: memory does not grow with the stream. */
const paths_max = 100_000;

type Tally = { commands: number; bytes: number };

class Tallies {
  readonly #tallies = new Map<string, Tally>();
  readonly #most: number;
  readonly other: Tally = { commands: 0, bytes: 0 };

  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  add(key: string, bytes: number): void {
    const tally = this.#tallies.get(key) ?? this.#start(key);
    tally.commands += 1;
    tally.bytes += bytes;
  }

  #start(key: string): Tally {
    if (this.#tallies.size >= this.#most) return this.other;
    const tally = { commands: 0, bytes: 0 };
    this.#tallies.set(key, tally);
    return tally;
  }

  /** Most bytes first. */
  sorted(): [key: string, tally: Tally][] {
    return [...this.#tallies].toSorted(([, a], [, b]) => b.bytes - a.bytes);
  }
}

/**
 * Counts all commands of the stream.
 * @throws IcbdError as `verifyStream`
 */
export async function summarizeStream(
  source: StreamSource,
  onProgress: (bytes: number) => void,
): Promise<StreamSummary> {
  const by_command = new Tallies();
  const by_path = new Tallies(paths_max);
  let commands = 0;
  let stream_bytes = 0;
  const count = (command: Command): void => {
    const fields = decodeCommand(command);
    const bytes = command.bytes.length;
    commands += 1;
    stream_bytes = command.start_bytes + bytes;
    by_command.add(command.name, bytes);
    // The bytes, not their text: the same name comes again and again.
    if ('path' in fields) by_path.add(fields.path.toString('latin1'), bytes);
  };
  await readCommands(source, count, onProgress);
  return {
    stream_bytes,
    commands,
    by_command: by_command.sorted().map(([command, tally]) => ({ command, ...tally })),
    by_path: by_path.sorted().map(([path, tally]) => ({
      path: shownName(Buffer.from(path, 'latin1')),
      ...tally,
    })),
    other_paths: by_path.other,
  };
}
