/** What goes wrong, each for a while: one lane of faults for each node, all from one seed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy } from '../support/fault_proxy.js';
import type { Fleet, FleetNode } from '../support/fleet.js';
import { btrfsProcesses } from '../support/processes.js';
import { type Random, randomFrom } from '../support/random.js';

/** Between two faults of one node, ms. */
const rest_ms = { min: 300, max: 3_000 } as const;

export type FaultKind =
  | 'kill master'
  | 'kill replica'
  | 'kill btrfs'
  | 'stop btrfs for a while'
  | 'stop daemon for a while'
  | 'cut all links'
  | 'cut data links'
  | 'silence'
  | 'silence, then cut'
  | 'delay'
  | 'slow link'
  | 'flip a bit'
  | 'refuse links';

export type FaultCounts = Partial<Record<FaultKind, number>>;

interface Place {
  readonly node: FleetNode;
  /** Undefined for the master. */
  readonly proxy: FaultProxy | undefined;
  readonly random: Random;
}

type Fault = (place: Place) => Promise<void>;

async function killDaemon({ node, random }: Place): Promise<void> {
  await node.kill();
  await sleep(random.between(0, 1_500));
  await node.start();
}

/** Sends a signal to a process that may have ended. */
function signal(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function pickBtrfs({ node, random }: Place): Promise<number | undefined> {
  const running = await btrfsProcesses([node.fs.mountpoint]);
  return running.length === 0 ? undefined : random.pick(running).pid;
}

async function killBtrfs(place: Place): Promise<void> {
  signal(await pickBtrfs(place), 'SIGKILL');
}

async function freeze(pid: number | undefined, ms: number): Promise<void> {
  signal(pid, 'SIGSTOP');
  await sleep(ms);
  signal(pid, 'SIGCONT');
}

/** A fault of the network: `begin`, then a while, then the end of all faults there. */
const ofLink =
  (begin: (proxy: FaultProxy, random: Random) => void, end?: (proxy: FaultProxy) => void): Fault =>
  async ({ proxy, random }) => {
    if (proxy === undefined) return;
    begin(proxy, random);
    await sleep(random.between(200, 2_500));
    end?.(proxy);
    proxy.heal();
  };

const for_all: Partial<Record<FaultKind, Fault>> = {
  'kill btrfs': killBtrfs,
  'stop btrfs for a while': async (place) => freeze(await pickBtrfs(place), place.random.between(100, 2_000)),
  'stop daemon for a while': async ({ node, random }) => freeze(node.pid, random.between(100, 2_000)),
};

const for_master: Partial<Record<FaultKind, Fault>> = { ...for_all, 'kill master': killDaemon };

const for_replicas: Partial<Record<FaultKind, Fault>> = {
  ...for_all,
  'kill replica': killDaemon,
  'cut all links': async ({ proxy }) => void proxy?.cut('all'),
  'cut data links': async ({ proxy }) => void proxy?.cut('data'),
  silence: ofLink((proxy) => proxy.pause()),
  'silence, then cut': ofLink(
    (proxy) => proxy.pause(),
    (proxy) => proxy.cut('all'),
  ),
  delay: ofLink((proxy, random) => {
    proxy.delay_ms = random.between(1, 30);
  }),
  'slow link': ofLink((proxy, random) => {
    proxy.rate_bytes_per_s = random.between(1, 20) * 1024 * 1024;
  }),
  'flip a bit': async ({ proxy, random }) => proxy?.flipNext(() => random.next()),
  'refuse links': ofLink((proxy) => {
    proxy.refuses = true;
    proxy.cut('all');
  }),
};

async function runLane(place: Place, faults: typeof for_all, counts: FaultCounts, signal_: AbortSignal) {
  const kinds = Object.keys(faults) as FaultKind[];
  for (;;) {
    await sleep(place.random.between(rest_ms.min, rest_ms.max));
    if (signal_.aborted) return;
    const kind = place.random.pick(kinds);
    counts[kind] = (counts[kind] ?? 0) + 1;
    await faults[kind]?.(place);
  }
}

/**
 * Runs faults until the signal aborts; then every daemon runs, and no fault lasts any more.
 * @param counts is counted up while they run
 */
export async function runFaults(
  fleet: Fleet,
  seed: number,
  counts: FaultCounts,
  stopped: AbortSignal,
): Promise<void> {
  const lanes = fleet.nodes.map((node, index) => {
    const proxy = index === 0 ? undefined : fleet.proxy(index - 1);
    const place = { node, proxy, random: randomFrom(seed * 10 + index) };
    return runLane(place, index === 0 ? for_master : for_replicas, counts, stopped);
  });
  await Promise.all(lanes);
  for (const proxy of fleet.proxies) proxy.heal();
}
