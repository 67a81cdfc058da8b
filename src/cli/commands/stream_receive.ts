import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import { IcbdError } from '../../core/errors.js';
import type { ReceiveEvent } from '../../tools/stream_receive_options.js';
import { parseCount } from '../arguments.js';
import { exitCodeOfSignal } from '../exit_codes.js';
import { printable } from '../render/text.js';
import { formatBytes } from '../render/units.js';
import type { CliRun, GlobalOptions } from '../session.js';

interface ReceiveCommandOptions extends GlobalOptions {
  readonly file?: string;
  readonly checkpoint: number;
  readonly checkpointSeconds: number;
  readonly state?: string;
  readonly endCmd?: boolean;
  readonly maxErrors: number;
  readonly chroot?: boolean;
  readonly rootMount?: string;
  readonly forceDecompress?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

const help = `
Takes what "btrfs receive" takes, and does what it does, but for three things: a subvolume appears under its name only
when it is complete and on disk; a stream that breaks off leaves nothing visible; and the same command, run again with
the same stream after anything that happened, goes on from the last checkpoint.

  btrfs send /mnt/vm1/3 | ssh backup icbdrep stream receive /mnt/vm1

A stream that is read from a pipe is still read from its start, to prove that it is the same; it is not written again.
`;

/** What stands on stderr, as from btrfs; undefined for what nobody asked for. */
function describe(event: ReceiveEvent, is_quiet: boolean, is_verbose: boolean): string | undefined {
  switch (event.kind) {
    // Never in silence, not even when asked for it.
    case 'started_over':
      return `starts over: ${event.why}`;
    case 'left':
      return event.why;
    case 'resumed':
      return is_quiet ? undefined : `goes on after ${formatBytes(event.offset_bytes)}, received before`;
    case 'not_confined':
      return is_quiet
        ? undefined
        : `trust the sender: symlinks are followed, this machine cannot prevent it: ${event.why}`;
    case 'subvolume':
      return is_quiet ? undefined : `At ${event.is_full ? 'subvol' : 'snapshot'} ${event.name}`;
    case 'checkpoint':
      return is_verbose ? `checkpoint at byte ${event.offset_bytes}` : undefined;
    case 'published':
      return is_verbose ? `complete: ${event.name} ${event.uuid}` : undefined;
  }
}

/** Bytes, with the units of btrfs and dd: `K`, `M`, `G` are powers of 1024. */
export function parseSize(value: string): number {
  const [, digits = '', unit = ''] = /^(\d+)\s*([KMG]?)(?:i?B)?$/i.exec(value) ?? [];
  const bytes = Number(digits) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit.toUpperCase());
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new IcbdError('InvalidArgument', `${JSON.stringify(value)} is no size`, {
    operation: 'read the command line',
    subject: value,
    hint: 'give a number of bytes, or one with a unit: 64M, 1G',
  });
}

/** As `btrfs receive -E`: 0 is no limit. */
function parseMaxErrors(value: string): number {
  return value === '0' ? 0 : parseCount(value);
}

function receiveArgs(options: ReceiveCommandOptions): string[] {
  const { chroot, rootMount: root_mount, forceDecompress: force_decompress } = options;
  return [
    ...(chroot === true ? ['-C'] : []),
    ...(root_mount === undefined ? [] : ['-m', root_mount]),
    ...(force_decompress === true ? ['--force-decompress'] : []),
  ];
}

/** `stream receive`. */
export function addStreamReceive(stream: Command, run: CliRun): void {
  stream
    .command('receive <dir>')
    .description('receive subvolumes as btrfs receive does, but resumable after anything; needs root')
    .option('-f, --file <file>', 'read the stream from a file, not from standard input')
    .addOption(
      new Option('--checkpoint <bytes>', 'make a checkpoint after so much of the stream')
        .argParser(parseSize)
        .default(256 * 1024 ** 2, '256M'),
    )
    .option('--checkpoint-seconds <n>', 'and at the latest after so long', parseCount, 30)
    .option('--state <file>', 'where to remember checkpoints (default: hidden in the directory)')
    .option('-e, --end-cmd', 'stop at the first end of a stream')
    .option(
      '-E, --max-errors <n>',
      'go on after errors, to save what can be saved: no checkpoints',
      parseMaxErrors,
      1,
    )
    .option('-C, --chroot', 'as btrfs receive')
    .option('-m, --root-mount <path>', 'as btrfs receive -m')
    .option('--force-decompress', 'as btrfs receive')
    .option('-q, --quiet', 'only errors, and that it starts over')
    .option('-v, --verbose', 'also checkpoints')
    .addHelpText('after', help)
    .action(async (directory: string, _options: unknown, command: Command) => {
      await receive(run, directory, command.optsWithGlobals<ReceiveCommandOptions>());
    });
}

async function receive(run: CliRun, directory: string, options: ReceiveCommandOptions): Promise<void> {
  const { context } = run;
  const { json, quiet, verbose } = options;
  const interrupt = context.catchInterrupt();
  try {
    // Only now: what it needs takes longer to load than most commands to run.
    const { receiveStream } = await import('../../tools/stream_receive.js');
    const summary = await receiveStream({
      directory,
      file: options.file,
      state_file: options.state,
      stop_at_end: options.endCmd === true,
      max_errors: options.maxErrors,
      receive_args: receiveArgs(options),
      segment_bytes: options.checkpoint,
      segment_ms: options.checkpointSeconds * 1_000,
      fresh_seed: randomUUID().slice(0, 8),
      clock: context.clock,
      signal: interrupt.signal,
      report: (event) => {
        const line = describe(event, quiet === true || json === true, verbose === true);
        if (line !== undefined) context.stderr.write(`${printable(line)}\n`);
      },
    });
    if (json === true) context.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
  } catch (error) {
    if (!interrupt.signal.aborted || !(error instanceof IcbdError) || error.code !== 'Interrupted')
      throw error;
    context.stderr.write('interrupted: what was received is kept for the next run\n');
    run.exit_code = exitCodeOfSignal(String(interrupt.signal.reason));
  } finally {
    interrupt.release();
  }
}
