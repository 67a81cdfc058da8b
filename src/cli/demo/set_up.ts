/** The first chapters of the demo: filesystems, daemons, an image. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { IcbdError } from '../../core/errors.js';
import { renderReplicas } from '../render/replicas.js';
import { type DemoNode, makeNode, writeMasterConfig, writeReplicaConfig } from './nodes.js';
import { type Stage, bringUp, data_mib, image, liveOf, takeSnapshot, waitUntil } from './stage.js';
import type { Story } from './story.js';
import { changeVmImage, makeVmImage } from './vm_image.js';
import type { Workspace } from './workspace.js';

const changed_mib = 60;

/** Makes the three nodes. */
export async function makeFilesystems(
  story: Story,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<Stage> {
  story.heading('Three btrfs filesystems, on loop devices');
  story.line(`all of it lies in ${workspace.directory}`);
  const nodes: DemoNode[] = [];
  for (const name of ['master', 'replica1', 'replica2']) {
    const node = await makeNode(workspace, name === 'master' ? 'master' : 'replica', name, signal);
    const { stdout } = await execa('findmnt', ['-n', '-o', 'SOURCE', '--mountpoint', node.mountpoint]);
    story.line(`${name.padEnd(8)}  ${stdout.trim()} on ${node.mountpoint}`);
    nodes.push(node);
  }
  const [master, ...replicas] = nodes;
  if (master === undefined) throw new IcbdError('Internal', 'no master', { operation: 'demo' });
  return { story, workspace, signal, master, replicas, daemons: new Map() };
}

/** Configures and starts the daemons, and waits until the replicas are online. */
export async function startDaemons(stage: Stage): Promise<void> {
  const { story, master, replicas, workspace } = stage;
  story.heading('Three daemons, each a process of its own');
  writeMasterConfig(workspace, master, replicas);
  const master_pid = await bringUp(stage, master);
  const { link_address } = await master.client.status();
  story.line(`master    pid ${master_pid}, listens on ${link_address}`);
  for (const replica of replicas) {
    writeReplicaConfig(workspace, replica, link_address);
    story.line(`${replica.name}  pid ${await bringUp(stage, replica)}, dials the master`);
  }
  await waitUntil(stage, 'both replicas are online', async () => {
    const known = await master.client.replicas.list();
    return known.every(({ state }) => state === 'online');
  });
  story.sameAs('replicas');
  story.raw(renderReplicas(await master.client.replicas.list(), story.view));
}

/** Makes the image and its snapshots; returns their numbers. */
export async function makeImage(stage: Stage): Promise<string[]> {
  const { story, master, replicas, signal } = stage;
  story.heading(`The image ${image}: a disk of ${data_mib} MiB, and three snapshots of it`);
  mkdirSync(join(master.mountpoint, image));
  await execa('btrfs', ['subvolume', 'create', liveOf(stage)], { cancelSignal: signal });
  await story.timed(`wrote ${data_mib} MiB of packed data and text, with holes between`, () =>
    makeVmImage(liveOf(stage), data_mib, signal),
  );
  await master.client.images.add({ name: image });
  story.sameAs(`image add ${image}`);
  for (const { name } of replicas) {
    await master.client.images.add({ name: image, node: name, create: true });
    story.sameAs(`image add ${image} --create --node ${name}`);
  }
  const numbers = [await takeSnapshot(stage)];
  for (let round = 0; round < 2; round += 1) {
    await story.timed(`changed ${changed_mib} MiB all over the disk`, () =>
      changeVmImage(liveOf(stage), changed_mib, signal),
    );
    numbers.push(await takeSnapshot(stage));
  }
  return numbers;
}
