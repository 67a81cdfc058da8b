import type { Command } from 'commander';
import { checkImageName, checkSnapshotNumber } from '../../core/names.js';
import { renderSnapshot } from '../render/images.js';
import { renderSnapshots } from '../render/lists.js';
import { type CliRun, openSession } from '../session.js';
import { type NodeOption, node_option } from './images.js';
import { addSnapshotVerify } from './snapshot_verify.js';

interface AddOptions extends NodeOption {
  readonly from?: string;
}

interface DeleteOptions extends NodeOption {
  readonly force?: boolean;
}

/** `snapshots`, and `snapshot` with all it can do. */
export function addSnapshotCommands(program: Command, run: CliRun): void {
  program
    .command('snapshots')
    .description('the snapshots of an image on a node: numbers by value, then other names by age')
    .argument('<image>', 'name of the image', checkImageName)
    .option(...node_option)
    .action(async (image: string, { node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.snapshots.list(image, { node, needs: true }), renderSnapshots);
    });

  const snapshot = program
    .command('snapshot')
    .description('look at a snapshot of an image, take, add or delete one, or compare it with its copies');
  addLooks(snapshot, run);
  addMaking(snapshot, run);
  snapshot
    .command('delete')
    .description('delete a snapshot on one node; refused while a transfer, or the next increment, needs it')
    .argument('<image>', 'name of the image', checkImageName)
    .argument('<number>', 'number of the snapshot', checkSnapshotNumber)
    .option('--force', 'delete it although somebody needs it')
    .option(...node_option)
    .action(async (image: string, number: string, { node, force }: DeleteOptions, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.snapshots.delete(image, number, { node, force }), renderSnapshot);
    });
  addSnapshotVerify(snapshot, run);
}

/** `snapshot show`, `snapshot last`. */
function addLooks(snapshot: Command, run: CliRun): void {
  snapshot
    .command('show')
    .description('one snapshot: where it lies, when it was made, its uuids')
    .argument('<image>', 'name of the image', checkImageName)
    .argument('<number>', 'number of the snapshot', checkSnapshotNumber)
    .option(...node_option)
    .action(async (image: string, number: string, { node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.snapshots.get(image, number, { node }), renderSnapshot);
    });
  snapshot
    .command('last')
    .description('the snapshot of the largest number, or, if none has a number, the newest')
    .argument('<image>', 'name of the image', checkImageName)
    .option(...node_option)
    .action(async (image: string, { node }: NodeOption, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.snapshots.last(image, { node }), renderSnapshot);
    });
}

/** `snapshot create`, `snapshot add`. */
function addMaking(snapshot: Command, run: CliRun): void {
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
    .command('add')
    .description('make the writable subvolume IMAGE/NUMBER a snapshot: nothing may write in it any more')
    .argument('<image>', 'name of the image', checkImageName)
    .argument('<number>', 'number of the snapshot', checkSnapshotNumber)
    .option('--from <path>', 'take a read-only snapshot of this subvolume instead, under that number')
    .option(...node_option)
    .action(async (image: string, number: string, { node, from }: AddOptions, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.snapshots.add(image, number, { node, from }), renderSnapshot);
    });
}
