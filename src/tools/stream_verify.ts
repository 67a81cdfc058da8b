/** Whether a send stream is whole, and what it holds: `icbdrep stream verify`. */
import { StreamHash } from '../pipeline/hash.js';
import type { Command } from '../stream/command_reader.js';
import { atCommand, corruptStream } from '../stream/corrupt.js';
import { decodeCommand, type StreamCommand } from '../stream/decode_command.js';
import { Firewall, type FirewallRules } from '../stream/firewall.js';
import { shownName } from '../stream/shown_name.js';
import { writeStreamHeader } from '../stream/stream_header.js';
import { readCommands, type StreamSource } from './stream_source.js';

/** One subvolume of a stream, proven whole. */
export interface VerifiedSubvolume {
  /** As the stream calls it, escaped as `shownName` does. */
  readonly name: string;
  readonly uuid: string;
  readonly kind: 'full' | 'incremental';
  /** Identity of the parent; empty for a full stream. */
  readonly parent_uuid: string;
  readonly stream_version: number;
  /** Where it starts: at the stream's header, or at its first command if another subvolume stands before it. */
  readonly offset_bytes: number;
  /** From there to its end: the stream's END command, or the next subvolume's first command. */
  readonly stream_bytes: number;
  readonly commands: number;
  /** XXH3-64 of these bytes, 16 hex digits: what both sides of a transfer compare. */
  readonly stream_xxh3: string;
}

export interface VerifyOptions {
  /** Also checks that the stream may be received under these rules. */
  readonly firewall?: FirewallRules | undefined;
  readonly onSubvolume: (subvolume: VerifiedSubvolume) => void;
  readonly onProgress: (bytes: number) => void;
}

type Head = Extract<StreamCommand, { command: 'subvol' | 'snapshot' }>;

class SubvolumeCount {
  readonly #head: Pick<VerifiedSubvolume, 'name' | 'uuid' | 'kind' | 'parent_uuid'>;
  readonly #offset_bytes: number;
  readonly #version: number;
  readonly #hash = new StreamHash();
  #commands = 0;

  /** @param header of its stream, if it is the first subvolume in it */
  constructor(head: Head, command: Command, header: Buffer) {
    this.#head = {
      name: shownName(head.path),
      uuid: head.uuid,
      kind: head.command === 'subvol' ? 'full' : 'incremental',
      parent_uuid: head.command === 'subvol' ? '' : head.clone_uuid,
    };
    this.#version = command.version;
    this.#offset_bytes = command.start_bytes - header.length;
    this.#hash.update(header);
  }

  add(command: Command): void {
    this.#commands += 1;
    this.#hash.update(command.bytes);
  }

  result(): VerifiedSubvolume {
    return {
      ...this.#head,
      stream_version: this.#version,
      offset_bytes: this.#offset_bytes,
      stream_bytes: this.#hash.bytes,
      commands: this.#commands,
      stream_xxh3: this.#hash.digest(),
    };
  }
}

class StreamVerifier {
  readonly #options: VerifyOptions;
  readonly #firewall: Firewall | undefined;
  #current: SubvolumeCount | undefined;

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.#firewall = options.firewall === undefined ? undefined : new Firewall(options.firewall);
  }

  take(command: Command): void {
    const fields = this.#firewall === undefined ? decodeCommand(command) : this.#firewall.check(command);
    if (fields.command === 'subvol' || fields.command === 'snapshot') {
      const is_first = this.#current === undefined;
      this.#finishSubvolume();
      const header = is_first ? writeStreamHeader(command.version) : Buffer.alloc(0);
      this.#current = new SubvolumeCount(fields, command, header);
    }
    if (this.#current === undefined) {
      const error = corruptStream('a stream starts with SUBVOL or SNAPSHOT');
      throw atCommand(error, command.name, command.start_bytes);
    }
    this.#current.add(command);
    if (fields.command === 'end') this.#finishSubvolume();
  }

  #finishSubvolume(): void {
    if (this.#current !== undefined) this.#options.onSubvolume(this.#current.result());
    this.#current = undefined;
  }
}

/**
 * Reads a stream, or several one after the other, and checks the structure, all CRCs, that all commands have their
 * attributes, and that END is there.
 * @throws IcbdError `CorruptData`, `StreamVersionNotSupported`, `StreamRefused` with offset and command of the first
 *   fault; `InvalidArgument`, `NotPermitted` if it cannot be read
 */
export async function verifyStream(source: StreamSource, options: VerifyOptions): Promise<void> {
  const verifier = new StreamVerifier(options);
  await readCommands(source, (command) => verifier.take(command), options.onProgress);
}
