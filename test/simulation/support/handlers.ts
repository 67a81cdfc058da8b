import { type ErrorCode, IcbdError } from '../../../src/core/errors.js';
import type { EffectRecord } from '../../../src/core/records.js';
import type { Network } from './network.js';
import type { Random } from './random.js';
import type { Life, SimHandler } from './sim_node.js';
import type { Disk } from './world.js';

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
  readonly sessions: Map<string, { readonly uuid: string; readonly joined: () => void }>;
}

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
      return { type: 'scan.done', result: { snapshot_count: 1, newest: '1' } };
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
    send: async ({ params }, life, signal) => {
      const { transfer, attempt, replica } = params as { transfer: string; attempt: number; replica: string };
      const link = stage.network.linkOf(replica);
      const key = `${transfer}:${attempt}`;
      const { uuid } = (params as { plan: { uuid: string } }).plan;
      const joined = new AbortController();
      stage.sessions.set(key, { uuid, joined: () => joined.abort() });
      try {
        const wait = AbortSignal.any([link, signal, joined.signal]);
        const is_joined = await life.sleep(30_000, wait).then(
          () => false,
          () => joined.signal.aborted && !link.aborted && !signal.aborted,
        );
        link.throwIfAborted();
        signal.throwIfAborted();
        if (!is_joined) throw fail('TimedOut', key);
        await sleepOnLink(life, random.between(100, 20_000), link, signal);
        trouble(stage, 'master', ['BtrfsFailed', 'Stalled']);
        return { type: 'send.done', result: { stream_bytes: 1_000, hash: uuid } };
      } finally {
        stage.sessions.delete(key);
      }
    },
  };
}

export function replicaHandlers(stage: Stage, disk: Disk): Record<string, SimHandler> {
  const { random } = stage;
  /** Runs one effect on the transfer's subvolume, alone. */
  const alone =
    (
      kind: string,
      work: (effect: EffectRecord, life: Life, signal: AbortSignal) => Promise<{ type: string }>,
    ) =>
    async (effect: EffectRecord, life: Life, signal: AbortSignal): Promise<{ type: string }> => {
      disk.enter(effect.actor.id, kind);
      try {
        return await work(effect, life, signal);
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
        disk.partials.delete(actor.id);
        return { type: 'prepare.already_there' };
      }
      const parent = place['parent'] as { number: string; uuid: string } | null;
      if (parent !== null && disk.find(text(place, 'image'), parent.number)?.uuid !== parent.uuid) {
        disk.violations.push(`${actor.id} was offered as an increment of what is not there`);
      }
      disk.partials.delete(actor.id);
      await acted(stage, disk.name, life, signal);
      return { type: 'prepare.done' };
    }),
    receive: alone('receive', async ({ params, actor }, life, signal) => {
      const place = params as Params;
      await life.sleep(random.between(1, 200), signal);
      const link = stage.network.linkOf(disk.name);
      const key = `${actor.id}:${String(place['attempt'])}`;
      let session = stage.sessions.get(key);
      for (let waits = 0; session === undefined && waits < 10; waits += 1) {
        await sleepOnLink(life, 1_000, link, signal);
        session = stage.sessions.get(key);
      }
      if (session === undefined) throw fail('TimedOut', key);
      session.joined();
      disk.begin(actor.id, session.uuid);
      await sleepOnLink(life, random.between(100, 20_000), link, signal);
      trouble(stage, disk.name, ['NoSpace', 'HashMismatch', 'CorruptData']);
      disk.complete(actor.id);
      await acted(stage, disk.name, life, signal);
      return { type: 'receive.done', result: { stream_bytes: 1_000, hash: session.uuid } };
    }),
    publish: alone('publish', async ({ params, actor }, life, signal) => {
      const place = params as Params;
      await life.sleep(random.between(1, 2_000), signal);
      trouble(stage, disk.name, ['BtrfsFailed'], 0.2);
      const there = disk.find(text(place, 'image'), text(place, 'number'));
      if (there?.uuid !== place['uuid']) disk.publish(actor.id, text(place, 'image'), text(place, 'number'));
      await acted(stage, disk.name, life, signal);
      return { type: 'publish.done' };
    }),
    cleanup: alone('cleanup', async ({ actor }, life, signal) => {
      await life.sleep(random.between(1, 500), signal);
      trouble(stage, disk.name, ['BtrfsFailed']);
      disk.partials.delete(actor.id);
      await acted(stage, disk.name, life, signal);
      return { type: 'cleanup.done' };
    }),
  };
}
