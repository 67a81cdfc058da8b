import { type ErrorCode, IcbdError } from '../../../src/core/errors.js';
import type { EffectRecord, PlainEvent } from '../../../src/core/records.js';
import type { Network } from './network.js';
import type { Random } from './random.js';
import type { Life, SimHandler, Tell } from './sim_node.js';
import type { Disk, Part } from './world.js';

/** What the handlers of a simulation share. */
export interface Stage {
  readonly random: Random;
  readonly network: Network;
  readonly master_disk: Disk;
  readonly disks: ReadonlyMap<string, Disk>;
  /** Transfers that can never succeed, and the effect that says so. */
  readonly doomed: ReadonlyMap<string, 'plan' | 'prepare'>;
  readonly isChaos: () => boolean;
  /** Kills the process of the node of this name. */
  readonly crash: (node: string) => void;
  /** Sends that wait for their reception, by `transfer:attempt`. */
  readonly sessions: Map<string, Session>;
}

/** What a reception asks of the sender. */
interface Dial {
  readonly part: Part | undefined;
  /** Tells the receiver that the sender will not go on, and why. */
  readonly refuse: (reason: IcbdError) => void;
}

interface Session {
  readonly uuid: string;
  readonly making: number;
  /** Broken when the data link breaks, and the control link does not. */
  readonly link: AbortController;
  readonly join: (dial: Dial) => void;
}

/** Bytes of every stream here. */
const stream_bytes = 1_000;

type Params = Readonly<Record<string, unknown>>;

const text = (params: Params, name: string): string => {
  const value = params[name];
  if (typeof value !== 'string') throw new Error(`the effect has no ${name}: ${JSON.stringify(params)}`);
  return value;
};

const fail = (code: ErrorCode, what: string): IcbdError =>
  new IcbdError(code, `${what} (made by the simulation)`, { operation: 'simulate', subject: what });

/** Fails, or kills the node, now and then. */
function trouble(stage: Stage, node: string, codes: readonly ErrorCode[], probability = 0.06): void {
  if (!stage.isChaos()) return;
  if (stage.random.chance(0.02)) stage.crash(node);
  else if (stage.random.chance(probability)) throw fail(stage.random.pick(codes), node);
}

/** Kills the node after an effect has acted, and before it reports. */
async function acted(stage: Stage, node: string, life: Life, signal: AbortSignal): Promise<void> {
  if (stage.isChaos() && stage.random.chance(0.02)) stage.crash(node);
  // A process that is dead does not come out of this.
  await life.sleep(1, signal);
}

/** Sleeps, unless the link breaks first. */
async function sleepOnLink(
  life: Life,
  delay_ms: number,
  link: AbortSignal,
  signal: AbortSignal,
): Promise<void> {
  await life.sleep(delay_ms, AbortSignal.any([link, signal]));
}

export function masterHandlers(stage: Stage): Record<string, SimHandler> {
  const { random } = stage;
  return {
    scan: async (_effect, life, signal) => {
      await life.sleep(random.between(1, 100), signal);
      return { type: 'scan.done', result: { snapshot_count: 1, newest: '1', fingerprint: '1' } };
    },
    plan: async ({ params, actor }, life, signal) => {
      const { image, number, replica } = params as Record<'image' | 'number' | 'replica', string>;
      await life.sleep(random.between(1, 500), signal);
      trouble(stage, 'master', ['TimedOut', 'BtrfsFailed']);
      const link = stage.network.linkOf(replica);
      if (stage.doomed.get(actor.id) === 'plan') throw fail('CodecNotSupported', actor.id);
      await sleepOnLink(life, random.between(1, 500), link, signal);
      const ours = [...(stage.master_disk.images.get(image)?.values() ?? [])];
      const target = ours.find((snapshot) => snapshot.number === number);
      if (target === undefined) throw fail('SnapshotNotFound', `${image}/${number}`);
      const theirs = stage.disks.get(replica)?.images.get(image);
      if (theirs?.get(number)?.uuid === target.uuid) return { type: 'plan.already_there', number };
      const parent =
        ours.findLast((snapshot) => theirs?.get(snapshot.number)?.uuid === snapshot.uuid) ?? null;
      const how = { reason: 'simulated', codec: 'none', stream_version: 1 };
      return { type: 'plan.done', result: { uuid: target.uuid, parent, ...how } };
    },
    send: (effect, life, signal, tell) => send(stage, effect, life, signal, tell),
  };
}

const isLost = (thrown: unknown): thrown is IcbdError =>
  thrown instanceof IcbdError && (thrown.code === 'LinkLost' || thrown.code === 'ReplicaOffline');

async function send(
  stage: Stage,
  { params }: EffectRecord,
  life: Life,
  signal: AbortSignal,
  tell: Tell,
): Promise<PlainEvent> {
  const { random } = stage;
  const { transfer, attempt, replica } = params as { transfer: string; attempt: number; replica: string };
  const { uuid } = (params as { plan: { uuid: string } }).plan;
  const key = `${transfer}:${attempt}`;
  const link = new AbortController();
  // A stream that is made anew is mostly the same.
  const making = stage.isChaos() && random.chance(0.15) ? 2 : 1;
  try {
    const control = stage.network.linkOf(replica);
    const wait = AbortSignal.any([control, signal]);
    const joined = new AbortController();
    let dial: Dial | undefined;
    stage.sessions.set(key, {
      uuid,
      making,
      link,
      join: (given) => {
        dial = given;
        joined.abort();
      },
    });
    await life.sleep(60_000, AbortSignal.any([wait, joined.signal])).catch((thrown: unknown) => {
      if (!joined.signal.aborted || wait.aborted) throw thrown;
    });
    wait.throwIfAborted();
    if (dial === undefined) throw fail('TimedOut', key);
    if (dial.part !== undefined && dial.part.making !== making) {
      const error = fail('ResumeMismatch', key);
      dial.refuse(error);
      return { type: 'send.mismatch', error: error.toReport() };
    }
    tell({ type: 'send.begun', offset_bytes: dial.part?.offset_bytes ?? 0, is_live: false });
    if (stage.isChaos() && random.chance(0.15)) {
      life.after(random.between(1, 5_000), () => link.abort(fail('LinkLost', key)));
    }
    await life.sleep(random.between(100, 20_000), AbortSignal.any([wait, link.signal]));
    trouble(stage, 'master', ['BtrfsFailed', 'Stalled']);
    return { type: 'send.done', result: { stream_bytes, hash: uuid } };
  } catch (thrown) {
    if (!isLost(thrown)) throw thrown;
    return { type: 'send.link_lost', error: thrown.toReport() };
  } finally {
    if (!life.is_over) {
      stage.sessions.delete(key);
      link.abort(fail('LinkLost', key));
    }
  }
}

export function replicaHandlers(stage: Stage, disk: Disk): Record<string, SimHandler> {
  const { random } = stage;
  /** Bytes that a transfer's last checkpoint was told of with: it must never go on before them. */
  const told = new Map<string, number>();
  /** Runs one effect on the transfer's subvolume, alone. */
  const alone =
    (kind: string, work: SimHandler): SimHandler =>
    async (effect, life, signal, tell) => {
      disk.enter(effect.actor.id, kind);
      try {
        return await work(effect, life, signal, tell);
      } finally {
        if (!life.is_over) disk.leave(effect.actor.id);
      }
    };
  return {
    prepare: alone('prepare', async ({ params, actor }, life, signal) => {
      const place = params as Params;
      await life.sleep(random.between(1, 1_000), signal);
      trouble(stage, disk.name, ['NoSpace', 'BtrfsFailed']);
      if (stage.doomed.get(actor.id) === 'prepare') throw fail('SnapshotConflict', actor.id);
      const there = disk.find(text(place, 'image'), text(place, 'number'));
      if (there !== undefined) {
        if (there.uuid !== place['uuid']) throw fail('SnapshotConflict', actor.id);
        disk.removeParts(actor.id, null);
        return { type: 'prepare.already_there' };
      }
      const parent = place['parent'] as { number: string; uuid: string } | null;
      if (parent !== null && disk.find(text(place, 'image'), parent.number)?.uuid !== parent.uuid) {
        disk.violations.push(`${actor.id} was offered as an increment of what is not there`);
      }
      const { checkpoint, from_zero } = params as { checkpoint: Part | null; from_zero: boolean };
      const part = checkpoint === null ? undefined : disk.findPart(actor.id, checkpoint.name);
      const keeps_checkpoint = part !== undefined && part.uuid === place['uuid'] && !from_zero;
      disk.removeParts(actor.id, keeps_checkpoint ? part.name : null);
      if (!keeps_checkpoint) told.delete(actor.id);
      await acted(stage, disk.name, life, signal);
      const resume_bytes = keeps_checkpoint ? part.offset_bytes : 0;
      return { type: 'prepare.done', keeps_checkpoint, resume_bytes, reason: '' };
    }),
    receive: alone('receive', (effect, life, signal, tell) =>
      receive(stage, disk, told, effect, life, signal, tell),
    ),
    publish: alone('publish', async ({ params, actor }, life, signal) => {
      const place = params as Params;
      await life.sleep(random.between(1, 2_000), signal);
      trouble(stage, disk.name, ['BtrfsFailed'], 0.2);
      const there = disk.find(text(place, 'image'), text(place, 'number'));
      if (there?.uuid !== place['uuid']) disk.publish(actor.id, text(place, 'image'), text(place, 'number'));
      disk.removeParts(actor.id, null);
      await acted(stage, disk.name, life, signal);
      return { type: 'publish.done' };
    }),
    cleanup: alone('cleanup', async ({ params, actor }, life, signal) => {
      await life.sleep(random.between(1, 500), signal);
      trouble(stage, disk.name, ['BtrfsFailed']);
      const { keep } = params as { keep: string | null };
      disk.removeParts(actor.id, keep);
      if (keep === null) told.delete(actor.id);
      await acted(stage, disk.name, life, signal);
      return { type: 'cleanup.done' };
    }),
  };
}

async function receive(
  stage: Stage,
  disk: Disk,
  told: Map<string, number>,
  { params, actor, seq }: EffectRecord,
  life: Life,
  signal: AbortSignal,
  tell: Tell,
): Promise<PlainEvent> {
  const { random } = stage;
  const place = params as Params;
  const transfer = actor.id;
  const checkpoint = place['checkpoint'] as Part | null;
  await life.sleep(random.between(1, 200), signal);
  disk.removeParts(transfer, checkpoint?.name ?? null);
  const part = checkpoint === null ? undefined : disk.findPart(transfer, checkpoint.name);
  if (checkpoint !== null && part === undefined) disk.violations.push(`${transfer} lost its checkpoint`);
  if ((part?.offset_bytes ?? 0) < (told.get(transfer) ?? 0)) {
    disk.violations.push(`${transfer} goes on before a checkpoint that was told`);
  }
  let offset_bytes = part?.offset_bytes ?? 0;
  let index = 0;
  let making = part?.making ?? 0;
  const addCheckpoint = (): void => {
    const fresh = { name: `${transfer}.${seq}.${index}`, uuid: text(place, 'uuid'), offset_bytes, making };
    index += 1;
    disk.addPart(transfer, fresh);
    if (stage.isChaos() && random.chance(0.02)) stage.crash(disk.name);
    if (life.is_over || !tell({ type: 'receive.checkpoint', checkpoint: fresh })) return;
    told.set(transfer, offset_bytes);
    disk.removeParts(transfer, fresh.name);
  };
  const refused = new AbortController();
  try {
    const control = stage.network.linkOf(disk.name);
    const key = `${transfer}:${String(place['attempt'])}`;
    let session = stage.sessions.get(key);
    for (let waits = 0; session === undefined && waits < 10; waits += 1) {
      await sleepOnLink(life, 1_000, control, signal);
      session = stage.sessions.get(key);
    }
    if (session === undefined) throw fail('LinkLost', key);
    session.join({ part, refuse: (reason) => refused.abort(reason) });
    making = session.making;
    const wait = AbortSignal.any([refused.signal, signal, control, session.link.signal]);
    await life.sleep(random.between(1, 100), wait);
    tell({ type: 'receive.begun', offset_bytes });
    while (offset_bytes < stream_bytes) {
      await life.sleep(random.between(20, 4_000), wait);
      offset_bytes = Math.min(stream_bytes, offset_bytes + random.between(1, 600));
      trouble(stage, disk.name, ['NoSpace', 'HashMismatch', 'CorruptData'], 0.02);
      if (random.chance(0.4)) addCheckpoint();
    }
    disk.complete(transfer, session.uuid);
    await acted(stage, disk.name, life, signal);
    return { type: 'receive.done', result: { stream_bytes, hash: session.uuid, hidden_name: 'simulated' } };
  } catch (thrown) {
    if (!isLost(thrown) || signal.aborted || refused.signal.aborted || life.is_over) throw thrown;
    if (offset_bytes > (part?.offset_bytes ?? 0)) addCheckpoint();
    return { type: 'receive.link_lost', error: thrown.toReport() };
  }
}
