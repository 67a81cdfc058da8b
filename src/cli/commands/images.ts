import type { Command } from 'commander';
import type { Codec } from '../../core/codecs.js';
import { checkImageName, checkSnapshotNumber } from '../../core/names.js';
import type { ImageReport, SnapshotReport } from '../../core/report.js';
import { parseCodec } from '../arguments.js';
import { renderImages, renderSnapshots } from '../render/lists.js';
import type { View } from '../render/view.js';
import { type CliRun, openSession } from '../session.js';
import { addSnapshotVerify } from './snapshot_verify.js';

interface NodeOption {
  readonly node?: string;
}

interface AddOptions extends NodeOption {
  readonly source?: string;
  readonly codec?: Codec;
  readonly create?: boolean;
}

const node_option = [
  '--node <node>',
  'name or id of the node to ask (default: the one of the daemon)',
] as const;
const renderImage = (image: ImageReport, view: View): string => renderImages([image], view);
const renderSnapshot = (snapshot: SnapshotReport, view: View): string => renderSnapshots([snapshot], view);

/** `images`, `image add`, `image remove`. */
export function addImageCommands(program: Command, run: CliRun): void {
  program
    .command('images')
    .description('the images of a node: state, number of snapshots, newest snapshot, path')
    .option(...node_option)
    .action(async ({ node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.images.list({ node }), renderImages);
    });

  const image = program.command('image').description('add an image to replication, or remove it');
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

/** `snapshots`, `snapshot create`, `snapshot delete`, `snapshot verify`. */
export function addSnapshotCommands(program: Command, run: CliRun): void {
  program
    .command('snapshots')
    .description('the snapshots of an image on a node, oldest first')
    .argument('<image>', 'name of the image', checkImageName)
    .option(...node_option)
    .action(async (image: string, { node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.snapshots.list(image, { node }), renderSnapshots);
    });

  const snapshot = program
    .command('snapshot')
    .description('take a snapshot of an image, delete one, or compare it with its copies');
  snapshot
    .command('create')
    .description("take a read-only snapshot of the image's source")
    .argument('<image>', 'name of the image', checkImageName)
    .argument('[number]', 'its number (default: the next free one)', checkSnapshotNumber)
    .option(...node_option)
    .action(async (image: string, number: string | undefined, { node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.snapshots.create(image, { number, node }), renderSnapshot);
    });
  snapshot
    .command('delete')
    .description('delete a snapshot on one node; refused while a transfer needs it')
    .argument('<image>', 'name of the image', checkImageName)
    .argument('<number>', 'number of the snapshot', checkSnapshotNumber)
    .option(...node_option)
    .action(async (image: string, number: string, { node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.snapshots.delete(image, number, { node }), renderSnapshot);
    });
  addSnapshotVerify(snapshot, run);
}
