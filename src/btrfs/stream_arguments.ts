/** How `btrfs send` and `btrfs receive` are started; who starts them is the pipeline's business. */
import { resolve } from 'node:path';
import type { StreamVersion } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';

export interface ProgramCall {
  readonly program: string;
  readonly args: readonly string[];
}

export interface SendOptions {
  /** The snapshot to send. */
  readonly path: string;
  /** The snapshot that the receiver holds already; undefined: a full stream. */
  readonly parent?: string | undefined;
  readonly stream_version: StreamVersion;
  /** Sends extents that are compressed on disk as they are; needs version 2. */
  readonly compressed_data: boolean;
}

/**
 * `btrfs send` to its standard output.
 * @throws IcbdError `InvalidArgument` for compressed data in version 1
 */
export function sendArguments(options: SendOptions): ProgramCall {
  const { path, parent, stream_version, compressed_data } = options;
  if (compressed_data && stream_version < 2) {
    throw new IcbdError('InvalidArgument', 'version 1 of the stream cannot carry compressed data', {
      operation: 'btrfs send',
      subject: path,
      hint: 'use version 2, or send without compressed data',
    });
  }
  return {
    program: 'btrfs',
    args: [
      'send',
      '--quiet',
      // Version 1 is the default, and the option is unknown to btrfs-progs before 6.0.
      ...(stream_version === 2 ? ['--proto', '2'] : []),
      ...(compressed_data ? ['--compressed-data'] : []),
      ...(parent === undefined ? [] : ['-p', resolve(parent)]),
      resolve(path),
    ],
  };
}

/**
 * `btrfs receive` from its standard input into a directory, until that ends: what is written there is received, and
 * so are further streams.
 */
export function receiveArguments(options: { readonly directory: string }): ProgramCall {
  return { program: 'btrfs', args: ['receive', '--quiet', resolve(options.directory)] };
}
