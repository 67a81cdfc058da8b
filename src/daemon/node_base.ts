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
import { loggedEffects } from './logged_effects.js';
import { logCommit } from './logging.js';
import { ProgressBoard } from './progress_board.js';
import { system_clock } from './system_clock.js';

/** What every node is made of, one without images too. */
export interface StateBase {
  readonly name: string;
  readonly log: Logger;
  readonly storage: Storage;
  /** Names this node's state database. */
  readonly instance: string;
  readonly started_at_ms: number;
  /** Where the control API listens for TCP, once it does. */
  page_url: string | null;
  readonly randomBytes: (size: number) => Buffer;
  /** Frees the state directory. */
  readonly close: () => void;
}

/** What a master and a replica are both made of. */
export interface NodeBase extends StateBase {
  readonly mountpoint: string;
  readonly store: SnapshotStore;
  readonly capabilities: Capabilities;
  readonly children: ChildRegistry;
  readonly progress: ProgressBoard;
}

export interface StateBaseOptions {
  readonly name: string;
  readonly state_dir: string;
  readonly log: Logger;
}

export interface NodeBaseOptions extends StateBaseOptions {
  readonly mountpoint: string;
}

/** File name of the state database in the state directory. */
const database_name = 'state.db';

/**
 * Takes a node's state directory, and opens its database.
 * @throws IcbdError `AlreadyRunning`, `SchemaTooNew`, `Internal`; then nothing is held
 */
export function openStateBase({ name, state_dir, log }: StateBaseOptions): StateBase {
  const unlock = lockStateDirectory(state_dir);
  let storage: Storage | undefined;
  try {
    storage = Storage.open(path.join(state_dir, database_name));
    const opened = storage;
    return {
      name,
      log,
      storage,
      instance: instanceOf(storage),
      started_at_ms: system_clock.now(),
      page_url: null,
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

/**
 * Checks what the node stands on, takes its state directory, opens its database, and ends what an earlier
 * daemon left running.
 * @throws IcbdError `DirNotFound`, `BtrfsPathNotFound`, `ProgramNotFound`, and what `openStateBase` throws;
 *   then nothing is held
 */
export async function openNodeBase(options: NodeBaseOptions): Promise<NodeBase> {
  const { mountpoint, log } = options;
  const store = createBtrfs();
  await store.checkMountpoint(mountpoint);
  const system = await readCapabilities();
  const capabilities = { ...system, codecs: await availableCodecs() };

  const state = openStateBase(options);
  const { storage } = state;
  try {
    const children = new ChildRegistry(storage);
    const killed = await children.killLeftovers();
    if (killed > 0) log.warn({ killed }, 'ended processes that an earlier daemon left running');
    const progress = new ProgressBoard(system_clock, (row) =>
      storage.transaction(() => storage.node.saveProgress(row)),
    );
    return { ...state, mountpoint, store, capabilities, children, progress };
  } catch (error) {
    state.close();
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
  const runtime = new Runtime({
    storage,
    machines,
    clock: system_clock,
    handlers: loggedEffects(handlers, log),
    onFatal,
  });
  runtime.subscribe((commit) => logCommit(log, commit));
  return runtime;
}
