/** A master and three replicas, everything going wrong for a while, and the check of what came of it. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { TransferReport } from '../../src/core/report.js';
import { Fleet } from '../support/fleet.js';
import { type FaultCounts, runFaults } from './faults.js';
import { judge } from './verdict.js';
import { type Workload, makeWorkload } from './workload.js';

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly tls?: boolean;
  /** Where logs and state databases are copied to in the end; undefined: nowhere. */
  readonly keep_directory?: string;
  readonly say: (line: string) => void;
  /** Ends the run early; it is cleaned up all the same. */
  readonly signal?: AbortSignal;
}

export interface ChaosReport {
  readonly problems: readonly string[];
  readonly faults: FaultCounts;
  readonly transfers: number;
  readonly attempts: number;
  /** Of the streams of all completed transfers. */
  readonly stream_bytes: number;
  /**
   * Blocks that the proxies passed on, master to replicas; all are sent as they are, so these are bytes of streams.
   * Over TLS nobody sees blocks: it is everything then, with what is around them.
   */
  readonly sent_bytes: number;
  readonly flips: number;
  readonly cuts: number;
}

const progress_s = 10;
const settle_timeout_ms = 240_000;
/** Failures are many here, and none of them is a reason to give up. */
const master_transfers = 'failures_max = 1000\nslots_per_replica = 3\ncodec = "none"\nstall_timeout_s = 20';
/** Small, so that the streams here have several checkpoints. */
const replica_transfers = 'stall_timeout_s = 20\ncheckpoint_mib = 4';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function keepFiles(fleet: Fleet, directory: string): void {
  for (const node of fleet.nodes) {
    const target = path.join(directory, node.name);
    mkdirSync(target, { recursive: true });
    copyFileSync(path.join(node.directory, 'log'), path.join(target, 'log'));
    for (const name of readdirSync(node.state_dir).filter((file) => file.startsWith('state.db'))) {
      copyFileSync(path.join(node.state_dir, name), path.join(target, name));
    }
  }
}

/** Faults and work side by side for so long; then no faults any more. */
async function rage(fleet: Fleet, workload: Workload, options: ChaosOptions, faults: FaultCounts) {
  const stop = new AbortController();
  // Not AbortSignal.timeout within AbortSignal.any: Node 20 may collect it before it fires.
  const over = setTimeout(() => stop.abort(), options.seconds * 1_000);
  options.signal?.addEventListener('abort', () => stop.abort(), { once: true });
  const progress = setInterval(() => {
    void fleet.master.client.transfers.list({ limit: 10_000 }).then(
      (transfers) => {
        const done = transfers.filter(({ settled }) => settled).length;
        const count = sum(Object.values(faults));
        options.say(`${count} faults, ${done} of ${transfers.length} transfers settled`);
      },
      () => options.say(`${sum(Object.values(faults))} faults, the master is down`),
    );
  }, progress_s * 1_000);
  try {
    await Promise.all([runFaults(fleet, options.seed, faults, stop.signal), workload.run(stop.signal)]);
  } finally {
    clearTimeout(over);
    clearInterval(progress);
  }
}

/** Waits for all transfers, sends once more what some replica may never have been told of, and waits again. */
async function settle(
  fleet: Fleet,
  workload: Workload,
  say: (line: string) => void,
): Promise<TransferReport[]> {
  await fleet.untilOnline();
  await fleet.untilSettled(settle_timeout_ms);
  say('sending everything once more: what is there is recognised');
  await workload.prune();
  for (const image of workload.images) {
    const numbers = (await fleet.master.client.snapshots.list(image)).map(({ number }) => number);
    if (numbers.length > 0) await fleet.master.client.transfers.send({ image, numbers, to: ['all'] });
  }
  return fleet.untilSettled(settle_timeout_ms);
}

/** Fails as soon as the signal aborts. Only for work that starts no process: it goes on behind it. */
function orInterrupted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const interrupted = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new Error('interrupted'));
    if (signal?.aborted === true) fail();
    signal?.addEventListener('abort', fail, { once: true });
  });
  return Promise.race([work, interrupted]);
}

async function runOn(fleet: Fleet, options: ChaosOptions): Promise<ChaosReport> {
  const workload = await makeWorkload(fleet, options.seed);
  const faults: FaultCounts = {};
  await rage(fleet, workload, options, faults);
  return orInterrupted(conclude(fleet, workload, options, faults), options.signal);
}

async function conclude(
  fleet: Fleet,
  workload: Workload,
  options: ChaosOptions,
  faults: FaultCounts,
): Promise<ChaosReport> {
  options.signal?.throwIfAborted();
  options.say('no more faults; waiting until everything is completed');
  const transfers = await settle(fleet, workload, options.say);
  options.say('comparing everything');
  const problems = await judge(fleet, workload.images, transfers);
  return {
    problems,
    faults,
    transfers: transfers.length,
    attempts: sum(transfers.map(({ attempt }) => attempt)),
    stream_bytes: sum(transfers.map(({ stream_bytes }) => stream_bytes ?? 0)),
    sent_bytes: sum(
      fleet.proxies.map(({ counts }) => (options.tls === true ? counts.down_bytes : counts.data_bytes)),
    ),
    flips: sum(fleet.proxies.map(({ counts }) => counts.flips)),
    cuts: sum(fleet.proxies.map(({ counts }) => counts.cuts)),
  };
}

/**
 * Runs it, and removes all that it made.
 * @throws Error when it cannot be set up, or does not come to an end
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const fleet = await Fleet.start({
    replicas: 3,
    size_mb: 8_192,
    has_proxies: true,
    tls: options.tls === true,
    master: { transfers: master_transfers },
    replica: { transfers: replica_transfers },
  });
  try {
    return await runOn(fleet, options);
  } finally {
    if (options.keep_directory !== undefined) keepFiles(fleet, options.keep_directory);
    await fleet.dispose();
  }
}

const mb = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

/** Lines for people. */
export function describeReport(report: ChaosReport): string[] {
  const kinds = Object.entries(report.faults).toSorted(([a], [b]) => a.localeCompare(b));
  const redone = report.sent_bytes - report.stream_bytes;
  return [
    `faults: ${sum(Object.values(report.faults))}, connections cut: ${report.cuts}, bits flipped: ${report.flips}`,
    ...kinds.map(([kind, count]) => `  ${kind}: ${count}`),
    `transfers: ${report.transfers}, in ${report.attempts} attempts`,
    `streams: ${mb(report.stream_bytes)}; sent: ${mb(report.sent_bytes)}, so sent again: ${mb(redone)} (${((100 * redone) / Math.max(1, report.stream_bytes)).toFixed(0)} %)`,
    ...report.problems.map((line) => `PROBLEM: ${line}`),
  ];
}
