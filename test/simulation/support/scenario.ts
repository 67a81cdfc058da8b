import type { ReplicaContext } from '../../../src/actors/replica.js';
import type { TransferInput } from '../../../src/actors/transfer_events.js';
import type { PlainEvent } from '../../../src/core/records.js';
import type { Commit } from '../../../src/runtime/ports.js';
import { type Stage, masterHandlers, replicaHandlers } from './handlers.js';
import { Network } from './network.js';
import { Random } from './random.js';
import { SimClock } from './sim_clock.js';
import { SimNode } from './sim_node.js';
import { Disk } from './world.js';

const replica_names = ['north', 'south'] as const;
const image_names = ['debian', 'windows', 'router'] as const;
const reception_states = [
  'preparing',
  'ready',
  'receiving',
  'disconnected',
  'publishing',
  'cleaning',
  'failed',
];
const snapshots_per_image = 8;
/** Few, so that what must not count as a failure is seen when it does. */
const failures_max = 6;
/** Faults and new transfers happen until then; afterwards everything must come to rest. */
const chaos_ms = 600_000;

export interface Simulation {
  readonly seed: number;
  readonly clock: SimClock;
  readonly master: SimNode;
  readonly replicas: readonly SimNode[];
  readonly network: Network;
  readonly master_disk: Disk;
  readonly disks: ReadonlyMap<string, Disk>;
  readonly transfers: readonly TransferInput[];
  readonly doomed: ReadonlyMap<string, 'plan' | 'prepare'>;
  readonly cancelled: ReadonlySet<string>;
  /** Snapshots on all disks at the beginning, by disk. */
  readonly first: ReadonlyMap<string, readonly string[]>;
  readonly violations: string[];
  run(): Promise<void>;
}

function fillDisks(random: Random, master_disk: Disk, disks: ReadonlyMap<string, Disk>): void {
  for (const image of image_names) {
    for (let number = 1; number <= snapshots_per_image; number += 1) {
      const snapshot = { number: String(number), uuid: `${image}-${number}` };
      master_disk.add(image, snapshot);
      for (const disk of disks.values()) if (random.chance(0.15)) disk.add(image, snapshot);
    }
  }
}

/** Some are made from others: the same snapshot to the same replica. */
function withForks(random: Random, transfers: readonly TransferInput[]): TransferInput[] {
  const forks = transfers
    .filter(() => random.chance(0.15))
    .map((old) => ({ ...old, id: `f${old.id}`, forked_from: { transfer: old.id, seq: 1 } }));
  return [...transfers, ...forks];
}

function planTransfers(random: Random, count: number): TransferInput[] {
  const transfers = Array.from({ length: count }, (_, index) => ({
    id: `t${index}`,
    image: random.pick(image_names),
    number: String(random.between(1, snapshots_per_image)),
    replica: random.pick(replica_names),
    codec: null,
    ssh: false,
    failures_max,
    parent: 'auto',
    stream_version: null,
    forked_from: null,
  }));
  return withForks(random, transfers);
}

const active_states = new Set(['planning', 'starting_over', 'offering', 'sending', 'disconnected']);

/** At most one transfer of an image at a time to a replica, no more than it has slots, and none without one. */
class SlotChecker {
  readonly #violations: string[];
  readonly #replica_of: ReadonlyMap<string, string>;
  /** Transfers that run, as their events say. */
  readonly #active = new Set<string>();

  constructor(transfers: readonly TransferInput[], violations: string[]) {
    this.#violations = violations;
    this.#replica_of = new Map(transfers.map(({ id, replica }) => [id, replica]));
  }

  check(master: SimNode, { events }: Commit): void {
    for (const { kind, id, state, event } of events) {
      if (kind !== 'transfer') continue;
      if (event.type === 'slot.granted') this.#checkGrant(master, id);
      const is_parked = master.storage.actors.load({ kind, id })?.status === 'parked';
      if (active_states.has(state) && !is_parked) this.#active.add(id);
      else this.#active.delete(id);
    }
    const is_touched = events.some(({ kind }) => kind === 'replica' || kind === 'transfer');
    if (is_touched) for (const name of replica_names) this.#checkReplica(master, name);
  }

  /** Nothing new may begin on a replica of which nobody knows whether it is still there. */
  #checkGrant(master: SimNode, transfer: string): void {
    const id = this.#replica_of.get(transfer) ?? '';
    const state = master.storage.actors.load({ kind: 'replica', id })?.state;
    if (state !== 'back' && state !== 'online') {
      this.#violations.push(`${id} gave ${transfer} a slot while it was ${state}`);
    }
  }

  #checkReplica(master: SimNode, name: string): void {
    const record = master.storage.actors.load({ kind: 'replica', id: name });
    if (record === undefined) return;
    const { queue, slots_max } = record.snapshot.context as ReplicaContext;
    const held = queue.filter((entry) => entry.state === 'running');
    const complain = (what: string): void => void this.#violations.push(`${name} ${what}`);
    if (held.length > slots_max) complain(`gave out ${held.length} of ${slots_max} slots`);
    if (new Set(held.map((entry) => entry.image)).size < held.length) complain('gave two slots to one image');
    if (new Set(queue.map((entry) => entry.transfer)).size < queue.length)
      complain('queues a transfer twice');
    for (const id of this.#active) {
      if (this.#replica_of.get(id) === name && !held.some((entry) => entry.transfer === id)) {
        complain(`did not give ${id} the slot that it runs on`);
      }
    }
  }
}

/** Builds one simulation; nothing has happened yet. */
export function simulate(seed: number, transfer_count: number): Simulation {
  const random = new Random(seed);
  const clock = new SimClock();
  const started_ms = clock.now();
  const isChaos = (): boolean => clock.now() < started_ms + chaos_ms;
  const violations: string[] = [];
  const master_disk = new Disk('master');
  const disks = new Map(replica_names.map((name) => [name as string, new Disk(name)]));
  fillDisks(random, master_disk, disks);
  const first = new Map([...disks].map(([name, disk]) => [name, disk.all()]));
  const transfers = planTransfers(random, transfer_count);
  const doomed = new Map<string, 'plan' | 'prepare'>();
  for (const { id } of transfers) if (random.chance(0.1)) doomed.set(id, random.pick(['plan', 'prepare']));
  const cancelled = new Set(transfers.filter(() => random.chance(0.2)).map(({ id }) => id));
  /** Some are cancelled at any time, some just when their reception comes into a state. */
  const cancel_in = new Map<string, string>();
  for (const id of cancelled) if (random.chance(0.7)) cancel_in.set(id, random.pick(reception_states));

  /** An operator meddles with some, and some are parked by an event that no machine can bear. */
  const broken = new Set(transfers.filter(() => random.chance(0.15)).map(({ id }) => id));

  const slots = new SlotChecker(transfers, violations);
  const nodes = new Map<string, SimNode>();
  const master = (): SimNode => nodes.get('master') as SimNode;
  const network = new Network({
    clock,
    random,
    master,
    isChaos,
    onViolation: (what) => violations.push(what),
  });
  const stage: Stage = {
    random,
    network,
    master_disk,
    disks,
    doomed,
    isChaos,
    crash: (name) => nodes.get(name)?.crash(),
    sessions: new Map(),
  };

  /** An operator: asks again later if the master is down. */
  const ask = (delay_ms: number, work: (node: SimNode) => unknown): void => {
    clock.after(delay_ms, () => {
      if (master().runtime === undefined) ask(1_000, work);
      else work(master());
    });
  };
  const who = { kind: 'operator', who: 'simulation' } as const;
  const cancel = (runtime: SimNode['runtime'], id: string): unknown =>
    runtime?.deliver({ kind: 'transfer', id }, { type: 'cancel' }, who);

  const onCommit = (node: SimNode, commit: Commit): void => {
    network.send(node, commit.messages);
    for (const { kind, id, parked_reason } of commit.parked) {
      if (kind === 'transfer' && broken.has(id)) continue;
      violations.push(`${kind}/${id} on ${node.name} was parked: ${parked_reason}`);
    }
    if (node === master()) return slots.check(node, commit);
    for (const { kind, id, state } of commit.events) {
      if (kind !== 'reception' || cancel_in.get(id) !== state) continue;
      cancel_in.delete(id);
      ask(random.between(0, 500), ({ runtime }) => cancel(runtime, id));
    }
  };
  const onCrash = (node: SimNode): void => {
    if (node === master()) {
      stage.sessions.clear();
      for (const name of replica_names) network.cut(name, 'the master crashed');
    } else {
      disks.get(node.name)?.busy.clear();
      network.cut(node.name, 'the replica crashed');
    }
    clock.after(random.between(1, 20_000), () => node.start());
  };
  const onStart = (node: SimNode): void => {
    if (node !== master()) return network.dial(node);
    for (const [index, name] of replica_names.entries()) {
      const input = { node_id: index + 1, name, slots_max: index + 1 };
      node.runtime?.create({ kind: 'replica', id: name }, input, { kind: 'daemon', what: 'config' });
    }
    for (const name of image_names) {
      const input = { name, source: '', codec: null };
      node.runtime?.create({ kind: 'image', id: name }, input, { kind: 'daemon', what: 'config' });
    }
  };
  const addNode = (name: string, handlers: ConstructorParameters<typeof SimNode>[0]['handlers']): SimNode => {
    const node = new SimNode({ name, clock, handlers, onCommit, onStart, onCrash });
    nodes.set(name, node);
    return node;
  };
  addNode('master', masterHandlers(stage));
  const replicas = [...disks].map(([name, disk]) => addNode(name, replicaHandlers(stage, disk)));

  const planOperators = (): void => {
    for (const input of transfers) {
      const at_ms = random.between(0, chaos_ms * 0.7);
      ask(at_ms, ({ runtime }) => {
        const event = { type: 'image.send', transfers: [input] };
        runtime?.deliver({ kind: 'image', id: input.image }, event, who);
      });
      if (!cancelled.has(input.id) || cancel_in.has(input.id)) continue;
      ask(at_ms + random.between(0, 60_000), ({ runtime }) => cancel(runtime, input.id));
    }
  };
  const tell = (runtime: SimNode['runtime'], id: string, event: PlainEvent): unknown =>
    runtime?.deliver({ kind: 'transfer', id }, event, who);
  const planPause = (id: string, at_ms: number): void => {
    ask(at_ms, ({ runtime }) => {
      tell(runtime, id, { type: 'pause' });
      // Asked for only now: a master that was down may hear two requests at once.
      ask(random.between(100, 60_000), (node) => tell(node.runtime, id, { type: 'resume' }));
    });
  };
  const planBreak = (id: string, at_ms: number): void => {
    ask(at_ms, ({ runtime }) => {
      const { state } = master().storage.actors.load({ kind: 'transfer', id }) ?? { state: '' };
      const failed = { planning: 'plan.failed', sending: 'send.failed' }[state];
      if (failed === undefined) return;
      tell(runtime, id, { type: failed, error: null });
      ask(random.between(100, 60_000), (node) => node.runtime?.unpark({ kind: 'transfer', id }, who));
    });
  };
  const planMeddling = (): void => {
    for (const { id } of transfers) {
      const soon = (): number => random.between(0, chaos_ms * 0.8);
      if (random.chance(0.3)) planPause(id, soon());
      if (broken.has(id)) for (let times = 0; times < 40; times += 1) planBreak(id, soon());
      for (const type of ['retry-now', 'redrive', 'redrive'] as const) {
        const from_start = random.chance(0.3);
        const after_ms = random.pick([0, 5_000]);
        ask(soon(), ({ runtime }) => tell(runtime, id, { type, from_start, after_ms }));
      }
    }
  };
  const planCrashes = (): void => {
    clock.after(random.between(5_000, 90_000), () => {
      if (!isChaos()) return;
      random.pick([...nodes.values()]).crash();
      planCrashes();
    });
  };

  return {
    seed,
    clock,
    master: master(),
    replicas,
    network,
    master_disk,
    disks,
    transfers,
    doomed,
    cancelled,
    first,
    violations,
    run: async () => {
      for (const node of nodes.values()) node.start();
      planOperators();
      planMeddling();
      planCrashes();
      await clock.run(200_000);
    },
  };
}
