/**
 * Durable transitions per second: many transfers go through their machine with the real runtime and the real database
 * on disk. Effects do nothing, and the replicas' answers come as soon as their messages are committed.
 */
import { machines } from '../../src/actors/machines.js';
import type { ControlLink } from '../../src/core/link.js';
import type { EventCause, OutgoingMessage, PlainEvent } from '../../src/core/records.js';
import { Postman } from '../../src/daemon/postman.js';
import { system_clock } from '../../src/daemon/system_clock.js';
import type { EffectHandler } from '../../src/runtime/ports.js';
import { Runtime } from '../../src/runtime/runtime.js';
import { Storage } from '../../src/storage/storage.js';

const replicas = 100;
const images = Array.from({ length: 8 }, (_, index) => `vm${index}`);
/** Transfers to one replica at a time. */
const slots_max = 8;

export interface Transitions {
  /** Events of all actors, each with its new state on disk. */
  readonly count: number;
  readonly wall_s: number;
}

const cause: EventCause = { kind: 'daemon', what: 'bench' };
const capabilities = {
  codecs: ['zstd'] as const,
  stream_version_max: 2 as const,
  btrfs_progs: '6.6',
  kernel: '6.8',
};
const onFatal = (error: Error): void => {
  throw error;
};

const hash = '0123456789abcdef';
const stream_bytes = 1_073_741_824;

const handlers: Readonly<Record<string, EffectHandler>> = {
  plan: async (effect) => {
    const { image, number } = effect.params as { readonly image: string; readonly number: string };
    const uuid = `4b1c0000-0000-4000-8000-${image}${number}`;
    const reason = 'newest older snapshot that both sides hold';
    return {
      type: 'plan.done',
      result: { uuid, parent: { number: '0', uuid }, reason, codec: 'zstd', stream_version: 2 },
    };
  },
  scan: async () => ({ type: 'scan.done', result: { snapshot_count: 0, newest: '', fingerprint: '' } }),
  send: async (_effect, { tell }) => {
    tell({ type: 'send.begun', offset_bytes: 0, is_live: false });
    return { type: 'send.done', result: { stream_bytes, hash } };
  },
};

/** What a replica says to a message; undefined: nothing yet. */
function answerTo({ event }: OutgoingMessage): PlainEvent | undefined {
  const { type, attempt } = event;
  if (type === 'transfer.offer') return { type: 'reception.ready', attempt, resume_bytes: 0 };
  if (type !== 'transfer.start') return undefined;
  return {
    type: 'reception.completed',
    attempt,
    outcome: { already_there: false, stream_bytes, hash },
  };
}

/** A replica that answers every message as soon as somebody lets it. */
class Answering implements ControlLink {
  readonly session = 's';
  readonly peer: ControlLink['peer'];
  readonly #waiting: OutgoingMessage[] = [];
  #id = 0;

  constructor(node: string) {
    this.peer = { node, instance: `instance-${node}`, capabilities, address: '192.0.2.1:9410' };
  }

  sendMessage(message: OutgoingMessage): void {
    this.#waiting.push(message);
  }

  /** Gives its answers, and acknowledges what it answers. */
  answer(postman: Postman): void {
    for (const message of this.#waiting.splice(0)) {
      postman.acknowledged(this, message.id);
      const event = answerTo(message);
      if (event === undefined) continue;
      this.#id += 1;
      const { node: peer } = this.peer;
      const to = { kind: 'transfer', id: message.to.id } as const;
      void postman.receive(this, { id: this.#id, peer, to, create: null, event, floor: this.#id });
    }
  }

  request = (): Promise<unknown> => Promise.reject(new Error('it answers no requests'));
  ping = (): Promise<number | null> => Promise.resolve(null);
  setRhythm(): void {}
  close(): void {}
}

function addReplicas(runtime: Runtime, postman: Postman): Answering[] {
  return Array.from({ length: replicas }, (_, index) => {
    const to = { kind: 'replica', id: `r${index}` } as const;
    const link = new Answering(to.id);
    runtime.create(to, { node_id: index + 1, name: to.id, slots_max }, cause);
    postman.attach(link);
    const { session, peer } = link;
    runtime.deliver(to, { type: 'link.up', session, address: peer.address, capabilities }, cause);
    runtime.deliver(to, { type: 'keepalive.answered', session, round_trip_ms: 1 }, cause);
    return link;
  });
}

/** One snapshot of an image to every replica, as `icbdrep send --to all` asks for it. */
function sendToAll(runtime: Runtime, round: number, image: string): void {
  const number = String(round);
  const transfers = Array.from({ length: replicas }, (_, index) => ({
    id: `${round}-${image}-${index}`,
    image,
    number,
    replica: `r${index}`,
    codec: null,
    ssh: false,
    failures_max: 10,
  }));
  runtime.deliver({ kind: 'image', id: image }, { type: 'image.send', transfers }, cause);
}

/**
 * @param file path of a new database
 * @param rounds in each, one snapshot of each of eight images goes to each of a hundred replicas
 */
export async function measureTransitions(file: string, rounds: number): Promise<Transitions> {
  const storage = Storage.open(file);
  const runtime = new Runtime({ storage, machines, clock: system_clock, handlers, onFatal });
  const postman = new Postman(
    storage,
    runtime,
    () => undefined,
    (_message, error) => onFatal(error),
  );
  runtime.start();
  const links = addReplicas(runtime, postman);
  for (const name of images) {
    runtime.create({ kind: 'image', id: name }, { name, source: '', codec: null }, cause);
  }
  let count = 0;
  let completed = 0;
  runtime.subscribe(({ events }) => {
    count += events.length;
    completed += events.filter(
      ({ kind, state, state_before }) =>
        kind === 'transfer' && state === 'completed' && state_before !== state,
    ).length;
  });
  const started_ms = performance.now();
  for (let round = 1; round <= rounds; round += 1) {
    for (const image of images) sendToAll(runtime, round, image);
    while (completed < round * images.length * replicas) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const link of links) link.answer(postman);
    }
  }
  const wall_s = (performance.now() - started_ms) / 1_000;
  await runtime.close();
  storage.close();
  return { count, wall_s };
}
