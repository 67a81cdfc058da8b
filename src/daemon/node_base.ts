import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Logger } from 'pino';
import { machines } from '../actors/machines.js';
import { createBtrfs } from '../btrfs/btrfs.js';
import { readCapabilities } from '../btrfs/capabilities.js';
import type { SnapshotStore } from '../btrfs/snapshot_store.js';
import type { Capabilities } from '../core/codecs.js';
import type { IcbdError } from '../core/errors.js';
import { availableCodecs } from '../pipeline/codec.js';
import type { EffectHandler } from '../runtime/ports.js';
import { Runtime } from '../runtime/runtime.js';
import { lockStateDirectory } from '../storage/database.js';
import { Storage } from '../storage/storage.js';
import { ChildRegistry } from './child_registry.js';
import { logCommit } from './logging.js';
import { ProgressBoard } from './progress_board.js';
import { system_clock } from './system_clock.js';

/** What a master and a replica are both made of. */
export interface NodeBase {
  readonly name: string;
  readonly mountpoint: string;
  readonly log: Logger;
  readonly storage: Storage;
  readonly store: SnapshotStore;
  readonly capabilities: Capabilities;
  readonly children: ChildRegistry;
  readonly progress: ProgressBoard;
  /** Names this node's state database. */
  readonly instance: string;
  readonly started_at_ms: number;
  readonly randomBytes: (size: number) => Buffer;
  /** Frees the state directory. */
  readonly close: () => void;
}

export interface NodeBaseOptions {
  readonly name: string;
  readonly mountpoint: string;
  readonly state_dir: string;
  readonly log: Logger;
}

/** File name of the state database in the state directory. */
const database_name = 'state.db';

/**
 * Checks what the node stands on, takes its state directory, opens its database, and ends what an earlier
 * daemon left running.
 * @throws IcbdError `DirNotFound`, `BtrfsPathNotFound`, `ProgramNotFound`, `AlreadyRunning`, `SchemaTooNew`;
 *   then nothing is held
 */
export async function openNodeBase(options: NodeBaseOptions): Promise<NodeBase> {
  const { name, mountpoint, state_dir, log } = options;
  const store = createBtrfs();
  await store.checkMountpoint(mountpoint);
  const system = await readCapabilities();
  const capabilities = { ...system, codecs: await availableCodecs() };

  const unlock = lockStateDirectory(state_dir);
  let storage: Storage | undefined;
  try {
    storage = Storage.open(path.join(state_dir, database_name));
    const children = new ChildRegistry(storage);
    const killed = await children.killLeftovers();
    if (killed > 0) log.warn({ killed }, 'ended processes that an earlier daemon left running');
    const opened = storage;
    return {
      name,
      mountpoint,
      log,
      storage,
      store,
      capabilities,
      children,
      progress: new ProgressBoard(system_clock, (progress) =>
        opened.transaction(() => opened.node.saveProgress(progress)),
      ),
      instance: instanceOf(storage),
      started_at_ms: system_clock.now(),
      randomBytes: (size) => randomBytes(size),
      close: () => {
        opened.close();
        unlock();
      },
    };
  } catch (error) {
    storage?.close();
    unlock();
    throw error;
  }
}

function instanceOf(storage: Storage): string {
  const known = storage.node.meta('instance');
  if (known !== undefined) return known;
  const made = randomUUID();
  storage.node.setMeta('instance', made);
  return made;
}

/** The runtime of a node; its commits are logged. It still has to be started. */
export function makeRuntime(
  base: NodeBase,
  handlers: Readonly<Record<string, EffectHandler>>,
  onFatal: (error: IcbdError) => void,
): Runtime {
  const { storage, log } = base;
  storage.onFailure = onFatal;
  const runtime = new Runtime({ storage, machines, clock: system_clock, handlers, onFatal });
  runtime.subscribe((commit) => logCommit(log, commit));
  return runtime;
}
