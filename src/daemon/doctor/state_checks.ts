/** What a running node knows of its own work: actors, transfers, links. */
import { z } from 'zod';
import { whyNotConfined } from '../../btrfs/confinement.js';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { ControlLink } from '../../core/link.js';
import type { ActorRecord } from '../../core/records.js';
import type { DoctorCheck } from '../../core/doctor_report.js';
import type { Storage } from '../../storage/storage.js';
import type { ImageRepository } from '../images/image_repository.js';
import { fail, listed, ok, warn } from './check.js';

/** A reception that has not moved for so long waits for something, ms. */
const waits_long_ms = 600_000;
/** Clocks further apart make histories of two nodes hard to read, ms. */
const clock_difference_ms = 2_000;

const clock_answer = z.object({ now_ms: z.number() });

export function parkedCheck(storage: Storage): DoctorCheck {
  const parked = storage.actors
    .parked()
    .map(({ kind, id, parked_reason }) => `${kind} ${id}: ${parked_reason}`);
  if (parked.length === 0) return ok('parked', 'no actor is parked');
  return fail(
    'parked',
    `take no events: ${listed(parked)}`,
    'report it with icbdrep transfer history ID --json',
  );
}

const describe = ({ id, labels }: ActorRecord): string =>
  `${id} (${labels.image ?? ''}/${labels.snapshot ?? ''}${labels.replica === undefined ? '' : ` to ${labels.replica}`})`;

/** Whether nobody sent the same again since, and there is still something to send. */
async function stillMatters(
  { storage, repository }: { readonly storage: Storage; readonly repository: ImageRepository },
  record: ActorRecord,
): Promise<boolean> {
  const { image = '', replica = '', snapshot = '' } = record.labels;
  const [newest] = storage.actors.list({ kind: 'transfer', image, replica, snapshot, limit: 1 });
  if (newest?.id !== record.id || !repository.has(image)) return false;
  const there = await repository.snapshots(image).catch(() => []);
  return there.some(({ number }) => number === snapshot);
}

/** On the master: transfers that failed for good, and those that fail again and again. */
export async function transferChecks(parts: {
  readonly storage: Storage;
  readonly repository: ImageRepository;
}): Promise<DoctorCheck[]> {
  const list = (state: string): ActorRecord[] =>
    parts.storage.actors.list({ kind: 'transfer', states: [state], status: 'running' });
  const failed: string[] = [];
  for (const record of list('failed')) {
    if (await stillMatters(parts, record)) failed.push(describe(record));
  }
  const resting = list('resting').map(describe);
  const checks: DoctorCheck[] = [];
  if (failed.length > 0) {
    const hint = 'icbdrep transfer show ID tells why; when the cause is gone: icbdrep transfer redrive ID';
    checks.push(fail('transfers', `failed: ${listed(failed)}`, hint));
  }
  if (resting.length > 0) {
    const hint = 'icbdrep transfer show ID tells why and when it goes on';
    checks.push(warn('transfers', `failed and will try again: ${listed(resting)}`, hint));
  }
  return checks.length > 0 ? checks : [ok('transfers', 'none has failed')];
}

/** On a replica: receptions that cannot clean up, and those that have waited for long. */
export function receptionChecks(storage: Storage, now_ms: number): DoctorCheck[] {
  const open = storage.actors.list({ kind: 'reception', settled: false, status: 'running' });
  const unclean = open.filter(({ state }) => state === 'unclean').map(describe);
  const waiting = open
    .filter(({ state, updated_at_ms }) => state !== 'unclean' && now_ms - updated_at_ms > waits_long_ms)
    .filter(({ state }) => state !== 'receiving' && state !== 'held')
    .map((record) => `${describe(record)} is ${record.state}`);
  const checks: DoctorCheck[] = [];
  if (unclean.length > 0) {
    const hint = 'icbdrep transfer show ID tells why; it tries again by itself';
    checks.push(fail('receptions', `cannot remove what is left of ${listed(unclean)}`, hint));
  }
  if (waiting.length > 0) {
    const hint = 'is the link to the master up? icbdrep transfer show ID, here and on the master';
    checks.push(warn('receptions', `wait for more than ten minutes: ${listed(waiting)}`, hint));
  }
  return checks.length > 0 ? checks : [ok('receptions', 'none waits')];
}

/** On a replica: whether what it receives can write outside of its place. */
export async function confinementCheck(mountpoint: string): Promise<DoctorCheck> {
  const name = 'confinement';
  const why = await whyNotConfined(mountpoint);
  if (why === undefined) return ok(name, 'btrfs receive sees no symlinks and no devices');
  const hint =
    'it needs root, Linux 5.10 and util-linux 2.38; until then the replica has to trust its master';
  return warn(name, `btrfs receive runs without it: ${why}`, hint);
}

/** On a replica. @param master_url empty: no name server has told it yet */
export function masterLinkCheck(is_linked: boolean, master_url: string): DoctorCheck {
  if (is_linked) return ok('link', `up, to ${master_url}`);
  if (master_url === '') {
    const where =
      'look at the log of this daemon: was a name server found, and is the master registered there?';
    return fail('link', 'down: it is not known where the master is', where);
  }
  const hint =
    'look at the log of this daemon: does the master run, is its address right, is the secret the same?';
  return fail('link', `down: ${master_url} does not answer`, hint);
}

async function clockDifference(link: ControlLink, clock: Clock): Promise<number> {
  const asked_ms = clock.now();
  const { now_ms } = clock_answer.parse(await link.request({ method: 'clock', params: {} }));
  return now_ms - (asked_ms + clock.now()) / 2;
}

export interface KnownReplica {
  readonly name: string;
  readonly is_online: boolean;
  readonly offline_reason: string;
}

/** On the master: the replicas' links, and their clocks. */
export async function replicaChecks(
  replicas: readonly KnownReplica[],
  linkTo: (node: string) => ControlLink,
  clock: Clock,
): Promise<DoctorCheck[]> {
  if (replicas.length === 0)
    return [warn('links', 'there are no replicas', 'add [[replicas]] to the config')];
  const offline = replicas.filter(({ is_online }) => !is_online);
  const online = replicas.filter(({ is_online }) => is_online);
  const names = offline.map(({ name, offline_reason }) => `${name} (${offline_reason})`);
  const checks = [
    offline.length === 0
      ? ok('links', `${replicas.length} of ${replicas.length} replicas are online`)
      : warn('links', `offline: ${listed(names)}`, 'transfers to them wait; look at their logs'),
  ];
  for (const { name } of online) {
    try {
      const difference_ms = Math.round(await clockDifference(linkTo(name), clock));
      if (Math.abs(difference_ms) <= clock_difference_ms) continue;
      const text = `the clock of ${name} is ${Math.abs(difference_ms)} ms ${difference_ms > 0 ? 'ahead' : 'behind'}`;
      checks.push(warn('clock', text, 'let both nodes take their time from NTP'));
    } catch (error) {
      const { message } = IcbdError.from(error, 'doctor');
      checks.push(
        warn('clock', `the clock of ${name} is not known: ${message}`, 'is it of the same version?'),
      );
    }
  }
  if (online.length > 0 && checks.length === 1)
    checks.push(ok('clock', 'the clocks of all replicas online agree'));
  return checks;
}
