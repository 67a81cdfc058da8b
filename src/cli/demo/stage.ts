/** What the chapters of the demo share. */
import { join } from 'node:path';
import { IcbdError } from '../../core/errors.js';
import { pause } from '../context.js';
import { type DemoNode, startDaemon } from './nodes.js';
import type { Story } from './story.js';
import type { Workspace } from './workspace.js';

/** All that the chapters share. */
export interface Stage {
  readonly story: Story;
  readonly workspace: Workspace;
  /** Aborted when the demo is to end. */
  readonly signal: AbortSignal;
  readonly master: DemoNode;
  readonly replicas: readonly DemoNode[];
  readonly daemons: Map<string, ReturnType<typeof startDaemon>>;
}

export const image = 'vm1';
/** What the disk of the image holds at first, MiB. */
export const data_mib = 300;

/** Waits until `condition` holds, for 20 s at most. */
export async function waitUntil(
  stage: Stage,
  what: string,
  condition: () => Promise<boolean>,
): Promise<void> {
  const { clock } = stage.story.context;
  const deadline_ms = clock.now() + 20_000;
  while (!(await condition())) {
    stage.signal.throwIfAborted();
    if (clock.now() > deadline_ms) {
      throw new IcbdError('TimedOut', `not within 20 s: ${what}`, { operation: 'demo', subject: what });
    }
    await pause(clock, 50, stage.signal);
  }
}

/** Starts a daemon and waits until it answers. */
export async function bringUp(stage: Stage, node: DemoNode): Promise<number> {
  const daemon = startDaemon(stage.workspace, node);
  stage.daemons.set(node.name, daemon);
  await waitUntil(stage, `${node.name} answers`, async () => {
    if (daemon.exitCode !== null || daemon.signalCode !== null) {
      const how = daemon.signalCode ?? `exit code ${daemon.exitCode}`;
      throw new IcbdError('ProcessFailed', `the daemon of ${node.name} ended at once (${how})`, {
        operation: 'demo',
        subject: node.name,
      });
    }
    return node.client.status().then(
      () => true,
      () => false,
    );
  });
  return daemon.pid;
}

/** The master's writable subvolume, in which the VM would run. */
export function liveOf(stage: Stage): string {
  return join(stage.master.mountpoint, image, 'live');
}

/** Takes the next snapshot; returns its number. */
export async function takeSnapshot(stage: Stage): Promise<string> {
  const { number } = await stage.master.client.snapshots.create(image);
  stage.story.sameAs(`snapshot create ${image}    (number ${number})`);
  return number;
}
