import { type Command, Option } from 'commander';
import { IcbdError } from '../../core/errors.js';
import type { CodecDirection, CodecSummary } from '../../tools/codec.js';
import { parseStreamCodec, stream_codec_choices } from '../../tools/codec_choice.js';
import { BrokenOutput, outputTo } from '../../tools/codec_output.js';
import { parseCount } from '../arguments.js';
import { ByteMeter } from '../byte_meter.js';
import type { CliContext } from '../context.js';
import { exitCodeOfSignal } from '../exit_codes.js';
import type { CliRun, GlobalOptions } from '../session.js';
import { parseSize } from './stream_receive.js';

interface CodecCommandOptions extends GlobalOptions {
  readonly codec: ReturnType<typeof parseStreamCodec>;
  readonly blockSize?: number;
  readonly level?: number;
}

const help = `
Reads standard input, writes standard output; nothing else goes there. With --json a summary stands on stderr when it is
done, one line. If the exit code is not 0, what was written is not complete.

  snappy         raw blocks with an end and a checksum; the layout of Hadoop, which reads it
  snappy-framed  the framing format of snappy (.sz); if it is cut just between two chunks, nobody can see it
  lz4            LZ4 frames, as lz4 reads and writes them
  zlib, gzip     RFC 1950 and 1952, as python3, gzip and zlib-flate do
  zstd           RFC 8878, as zstd does

  icbdrep codec compress --codec lz4 < disk.img > disk.img.lz4
  icbdrep codec decompress --codec lz4 < disk.img.lz4 | sha256sum
`;

function refuseTerminal(message: string, hint: string): never {
  throw new IcbdError('InvalidArgument', message, { operation: 'read the command line', hint });
}

async function convert(
  context: CliContext,
  direction: CodecDirection,
  options: CodecCommandOptions,
): Promise<CodecSummary> {
  if (direction === 'compress' && context.stdout.terminal() !== null) {
    refuseTerminal(
      'compressed data are not written to a terminal',
      'send standard output to a file or a pipe',
    );
  }
  // Only now: what it needs takes longer to load than most commands to run.
  const { runCodec, standardInput } = await import('../../tools/codec.js');
  const { chunks, total_bytes, is_terminal } = standardInput();
  if (direction === 'decompress' && is_terminal) {
    refuseTerminal('compressed data are not read from a terminal', 'give a file or a pipe as standard input');
  }
  const meter = new ByteMeter(context, total_bytes);
  try {
    return await runCodec({
      codec: options.codec,
      direction,
      block_bytes: options.blockSize,
      level: options.level,
      input: chunks,
      output: outputTo(1),
      onProgress: (input_bytes) => meter.show(input_bytes),
    });
  } finally {
    meter.clear();
  }
}

/** Signals are not caught: as with gzip, they end the process at once, also while a write hangs. */
async function run(cli: CliRun, direction: CodecDirection, command: Command): Promise<void> {
  const options = command.optsWithGlobals<CodecCommandOptions>();
  try {
    const summary = await convert(cli.context, direction, options);
    if (options.json === true) cli.context.stderr.write(`${JSON.stringify(summary)}\n`);
  } catch (thrown) {
    if (!(thrown instanceof BrokenOutput)) throw thrown;
    cli.exit_code = exitCodeOfSignal('SIGPIPE');
  }
}

/** Its choices are for completion; what is no codec is refused as elsewhere. */
function codecOption(): Option {
  return new Option('--codec <name>', 'format of the compressed stream')
    .choices(stream_codec_choices)
    .argParser(parseStreamCodec)
    .makeOptionMandatory();
}

/** `codec compress`, `codec decompress`. */
export function addCodecCommands(program: Command, cli: CliRun): void {
  const codec = program
    .command('codec')
    .description('compress or decompress any stream in a format that other programs know; needs no daemon');
  codec
    .command('compress')
    .description('compress standard input to standard output')
    .addOption(codecOption())
    .option(
      '--block-size <bytes>',
      'bytes compressed at once: snappy (64K), snappy-framed (64K at most), lz4 (256K, at most 4M); ' +
        'zlib and gzip: of the output buffer (32K)',
      parseSize,
    )
    .option('--level <n>', 'zlib and gzip: 1-9 (6); zstd: 1-19 (3)', parseCount)
    .addHelpText('after', help)
    .action((_options: unknown, command: Command) => run(cli, 'compress', command));
  codec
    .command('decompress')
    .description('decompress standard input to standard output; damaged or cut input is an error')
    .addOption(codecOption())
    .option(
      '--block-size <bytes>',
      'of the output buffer of zlib and gzip (32K); the others know it from the input',
      parseSize,
    )
    .addHelpText('after', help)
    .action((_options: unknown, command: Command) => run(cli, 'decompress', command));
}
