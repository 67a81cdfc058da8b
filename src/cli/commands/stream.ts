import type { Command } from 'commander';
import { IcbdError } from '../../core/errors.js';
import { inspectStream, type ShownCommand } from '../../tools/stream_inspect.js';
import { openStreamSource, type StreamSource } from '../../tools/stream_source.js';
import { summarizeStream } from '../../tools/stream_summary.js';
import { type VerifiedSubvolume, verifyStream } from '../../tools/stream_verify.js';
import { collectList, parseUuid } from '../arguments.js';
import { ByteMeter } from '../byte_meter.js';
import { type CliContext, viewOf } from '../context.js';
import { renderCommand, renderSummary, renderVerified } from '../render/stream.js';
import type { CliRun, GlobalOptions } from '../session.js';
import { addStreamReceive } from './stream_receive.js';

interface InspectOptions extends GlobalOptions {
  readonly summary?: boolean;
}

interface VerifyCommandOptions extends GlobalOptions {
  readonly firewall?: string;
  readonly uuid?: string;
  readonly source?: readonly string[];
}

/** Lines are written this many characters at once. */
const batch_characters = 64 * 1024;

/** Runs `work` on the stream with a meter on stderr, which is gone before anything else is printed there. */
async function withMeter(
  context: CliContext,
  file: string,
  work: (source: StreamSource, meter: ByteMeter) => Promise<void>,
): Promise<void> {
  const source = await openStreamSource(file);
  const meter = new ByteMeter(context, source.total_bytes);
  try {
    await work(source, meter);
  } finally {
    meter.clear();
  }
}

async function listCommands(context: CliContext, file: string, is_json: boolean): Promise<void> {
  const render = is_json ? (shown: ShownCommand): string => `${JSON.stringify(shown)}\n` : renderCommand;
  await withMeter(context, file, async (source, meter) => {
    let batch = '';
    const flush = (): void => {
      if (batch === '') return;
      meter.clear();
      context.stdout.write(batch);
      batch = '';
    };
    const take = (shown: ShownCommand): void => {
      batch += render(shown);
      if (batch.length >= batch_characters) flush();
    };
    try {
      await inspectStream(source, take, (bytes) => meter.show(bytes));
    } finally {
      flush();
    }
  });
}

async function summarize(context: CliContext, file: string, is_json: boolean): Promise<void> {
  await withMeter(context, file, async (source, meter) => {
    const summary = await summarizeStream(source, (bytes) => meter.show(bytes));
    meter.clear();
    context.stdout.write(
      is_json
        ? `${JSON.stringify(summary, null, 2)}\n`
        : renderSummary(summary, viewOf(context, context.stdout)),
    );
  });
}

async function verify(context: CliContext, file: string, options: VerifyCommandOptions): Promise<void> {
  const { firewall: name, uuid, source: sources = [], json } = options;
  if (name === undefined && (uuid !== undefined || sources.length > 0)) {
    throw new IcbdError('InvalidArgument', '--uuid and --source are rules of the firewall', {
      operation: 'read the command line',
      hint: 'give --firewall NAME too',
    });
  }
  const firewall = name === undefined ? undefined : { name, uuid, sources: new Set(sources) };
  await withMeter(context, file, async (source, meter) => {
    const verified: VerifiedSubvolume[] = [];
    const onSubvolume = (subvolume: VerifiedSubvolume): void => {
      verified.push(subvolume);
      if (json === true) return;
      meter.clear();
      context.stdout.write(renderVerified(subvolume));
    };
    await verifyStream(source, { firewall, onSubvolume, onProgress: (bytes) => meter.show(bytes) });
    if (json === true) context.stdout.write(`${JSON.stringify(verified, null, 2)}\n`);
  });
}

function collectUuids(value: string, previous: readonly string[] | undefined): string[] {
  return collectList(value, previous).map(parseUuid);
}

/** `stream inspect`, `stream verify`, `stream receive`. */
export function addStreamCommands(program: Command, run: CliRun): void {
  const { context } = run;
  const stream = program
    .command('stream')
    .description('look at what btrfs send has written, or receive it; needs no daemon');
  stream
    .command('inspect <file>')
    .description('the commands of a send stream with their offsets; "-" is standard input')
    .option('--summary', 'count commands and bytes for each kind of command and for each path')
    .addHelpText('after', '\nWith --json each command is one line of JSON, and --summary one object.\n')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { summary, json } = command.optsWithGlobals<InspectOptions>();
      await (summary === true ? summarize : listCommands)(context, file, json === true);
    });
  stream
    .command('verify <file>')
    .description('whether a send stream is whole: structure, every CRC, END; "-" is standard input')
    .option('--firewall <name>', 'also whether it stays inside of one subvolume of that name')
    .option('--uuid <uuid>', 'with --firewall: the identity that it must carry', parseUuid)
    .option(
      '--source <uuid>',
      'with --firewall: a snapshot that it may be based on or clone from; may be repeated',
      collectUuids,
    )
    .action(async (file: string, _options: unknown, command: Command) => {
      await verify(context, file, command.optsWithGlobals<VerifyCommandOptions>());
    });
  addStreamReceive(stream, run);
}
