import type { Command } from 'commander';
import type { Codec } from '../../core/codecs.js';
import { checkImageName } from '../../core/names.js';
import type { ImageReport } from '../../core/report.js';
import { parseCodec, parseCount } from '../arguments.js';
import { renderImageDetails, renderImageHistory } from '../render/images.js';
import { renderImages } from '../render/lists.js';
import type { View } from '../render/view.js';
import { type CliRun, openSession } from '../session.js';

export interface NodeOption {
  readonly node?: string;
}

interface AddOptions extends NodeOption {
  readonly source?: string;
  readonly codec?: Codec;
  readonly create?: boolean;
}

interface HistoryOptions extends NodeOption {
  readonly changes?: boolean;
  readonly limit?: number;
}

export const node_option = [
  '--node <node>',
  'name or id of the node to ask (default: the one of the daemon)',
] as const;
const renderImage = (image: ImageReport, view: View): string => renderImages([image], view);

/** `images`, and `image` with all it can do. */
export function addImageCommands(program: Command, run: CliRun): void {
  program
    .command('images')
    .description('the images of a node: state, number of snapshots, last snapshot, path')
    .option(...node_option)
    .action(async ({ node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.images.list({ node }), renderImages);
    });

  const image = program
    .command('image')
    .description('look at an image, add it to replication, remove it, or look at its disk again');
  addLooks(image, run);
  image
    .command('add')
    .description('replicate an image: the directory NAME under the mount point')
    .argument('<name>', "the image's name", checkImageName)
    .option('--source <path>', 'the writable subvolume that snapshots are taken of (default: NAME/live)')
    .option(
      '--codec <codec>',
      'none, snappy, lz4, zlib or zstd; for transfers that do not name one',
      parseCodec,
    )
    .option('--create', 'make the directory if it is missing (a replica always does)')
    .option(...node_option)
    .action(async (name: string, options: AddOptions, command: Command) => {
      const session = openSession(run, command);
      const { source, codec, create, node } = options;
      session.answer(await session.client.images.add({ name, source, codec, create, node }), renderImage);
    });
  image
    .command('remove')
    .description('end the replication of an image on a node; its files stay where they are')
    .argument('<name>', "the image's name", checkImageName)
    .option(...node_option)
    .action(async (name: string, { node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.images.remove(name, { node }), renderImage);
    });
}

/** `image show`, `image history`, `image rescan`. */
function addLooks(image: Command, run: CliRun): void {
  image
    .command('show')
    .description('one image: path, state, source, codec, its snapshots, and who needs which of them')
    .argument('<name>', "the image's name", checkImageName)
    .option(...node_option)
    .action(async (name: string, { node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.images.get(name, { node }), renderImageDetails);
    });
  image
    .command('history')
    .description('what happened to one image: when, why, from which state to which; also if it was removed')
    .argument('<name>', "the image's name", checkImageName)
    .option('--changes', 'only where its state changed')
    .option('--limit <count>', 'at most so many, the newest (default and most: 1000)', parseCount)
    .option(...node_option)
    .action(async (name: string, options: HistoryOptions, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.images.history(name, options), renderImageHistory);
    });
  image
    .command('rescan')
    .description('look for its snapshots on disk now (changes are noticed by themselves as well)')
    .argument('<name>', "the image's name", checkImageName)
    .option(...node_option)
    .action(async (name: string, { node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.images.rescan(name, { node }), renderImage);
    });
}
