/** A few days of a small fleet, and one transfer that went through a lot, as real machines tell them. */
import type { CopyReport, FleetReport, ThroughputReport } from '../../../src/core/fleet_report.js';
import type { ErrorReport } from '../../../src/core/errors.js';
import type { EventCause, PlainEvent } from '../../../src/core/records.js';
import type { SnapshotNeed } from '../../../src/core/report.js';
import { StoryMaster, operator } from './story_master.js';

const minute_ms = 60_000;
const hour_ms = 60 * minute_ms;
const day_ms = 24 * hour_ms;
const gib = 1024 ** 3;
/** Whole bytes. */
const gibs = (count: number): number => Math.round(count * gib);

/** When the story is told. */
export const now_ms = Date.UTC(2026, 10, 23, 2, 47, 0);

const image = { kind: 'image', id: 'debian-12' } as const;
const replicaOf = (id: string) => ({ kind: 'replica', id }) as const;
const peer = (node: string, message: number): EventCause => ({ kind: 'peer', node, message });
const link: EventCause = { kind: 'daemon', what: 'the control link' };
export const hero = { kind: 'transfer', id: '17-3fa9' } as const;
export const failed_transfer = { kind: 'transfer', id: '16-b0c2' } as const;

const capabilities = {
  btrfs_progs: '6.6.3',
  kernel: '6.8.0-41-generic',
  stream_versions: [1, 2],
  codecs: ['none', 'lz4', 'zstd'],
};

function errorOf(code: ErrorReport['code'], message: string, hint: string, retryable: boolean): ErrorReport {
  return { code, message, operation: 'receive', subject: 'debian-12/0042', retryable, hint };
}

async function linkUp(master: StoryMaster, name: string, session: string, after_ms: number): Promise<void> {
  await master.happen(
    replicaOf(name),
    { type: 'link.up', session, address: `10.20.4.${name.length}:40122`, capabilities },
    link,
    after_ms,
  );
  await master.happen(
    replicaOf(name),
    { type: 'keepalive.answered', session, round_trip_ms: 3.4 },
    link,
    900,
  );
}

const down = (session: string, reason: string): PlainEvent => ({ type: 'link.down', session, reason });

/** Six days with the losses that a link has. */
async function makeReplicas(master: StoryMaster): Promise<void> {
  for (const [index, name] of ['berlin', 'hamburg', 'vienna', 'zurich'].entries()) {
    const input = { node_id: index + 1, name, slots_max: 2 };
    await master.create(replicaOf(name), input, { kind: 'daemon', what: 'the config' });
  }
  await linkUp(master, 'berlin', 'b1', 2_000);
  for (const name of ['hamburg', 'vienna', 'zurich']) await linkUp(master, name, `${name}1`, 1_000);
  await master.happen(
    replicaOf('berlin'),
    { type: 'keepalive.missed', session: 'b1', tries: 1, reason: 'no answer within 5 s' },
    link,
    2 * day_ms,
  );
  await master.happen(replicaOf('berlin'), down('b1', 'no answer to 3 keep-alives'), link, 2 * hour_ms);
  await linkUp(master, 'berlin', 'b2', 5 * hour_ms);
  await master.happen(replicaOf('vienna'), down('vienna1', 'the link was closed: ECONNRESET'), link, day_ms);
  await master.happen(
    replicaOf('berlin'),
    { type: 'keepalive.missed', session: 'b2', tries: 1, reason: 'no answer within 5 s' },
    link,
    1.9 * day_ms,
  );
  await master.happen(
    replicaOf('berlin'),
    { type: 'keepalive.answered', session: 'b2', round_trip_ms: 41 },
    link,
    40 * minute_ms,
  );
  await master.happen(
    replicaOf('zurich'),
    { type: 'keepalive.missed', session: 'zurich1', tries: 1, reason: 'no answer within 5 s' },
    link,
    hour_ms,
  );
}

function plan(parent: string | null) {
  return {
    type: 'plan.done',
    result: {
      uuid: '5a2c1f00-0000-4000-8000-000000000042',
      parent: parent === null ? null : { number: parent, uuid: '5a2c1f00-0000-4000-8000-000000000041' },
      reason:
        parent === null
          ? 'the replica holds no snapshot of the image'
          : 'the newest snapshot that both nodes hold',
      codec: 'zstd',
      stream_version: 2,
    },
  };
}

const transferInput = (id: string, number: string, replica: string) => ({
  id,
  image: image.id,
  number,
  replica,
  codec: null,
  ssh: false,
  failures_max: 5,
  parent: 'auto',
  stream_version: null,
  forked_from: null,
});

async function send(master: StoryMaster, id: string, number: string, replica: string): Promise<void> {
  await master.happen(
    image,
    { type: 'image.send', transfers: [transferInput(id, number, replica)] },
    operator,
  );
}

/** One that trying again did not help. */
async function failOne(master: StoryMaster): Promise<void> {
  const to = failed_transfer;
  await send(master, to.id, '0041', 'hamburg');
  await master.end('plan', to, plan('0040'), 180);
  const conflict = errorOf(
    'SnapshotConflict',
    'another snapshot stands under the number 0041 on hamburg',
    'look at both with icbdrep snapshots debian-12 --node hamburg, then delete or rename the one on the replica',
    false,
  );
  await master.happen(
    to,
    { type: 'reception.refused', attempt: 1, error: conflict },
    peer('hamburg', 12),
    60,
  );
}

async function begin(
  master: StoryMaster,
  attempt: number,
  resume_bytes: number,
  message: number,
): Promise<void> {
  await master.end('plan', hero, plan('0041'), 210);
  await master.happen(hero, { type: 'reception.ready', attempt, resume_bytes }, peer('berlin', message), 90);
  await master.say('send', hero, { type: 'send.begun', offset_bytes: resume_bytes, is_live: false }, 130);
}

const scanned = { type: 'scan.done', result: { snapshot_count: 15, newest: '0042', fingerprint: 'a1' } };

/** It is sent for the third time; the last part of it runs. */
async function tellHero(master: StoryMaster): Promise<void> {
  await send(master, hero.id, '0042', 'berlin');
  await begin(master, 1, 0, 31);
  const lost = errorOf(
    'LinkLost',
    'the data link to berlin was lost: ECONNRESET',
    'nothing to do: it goes on by itself when the replica is back',
    true,
  );
  await master.end('send', hero, { type: 'send.link_lost', error: lost }, 6 * minute_ms);
  await master.happen(replicaOf('berlin'), down('b2', 'no answer to 3 keep-alives'), link, 800);
  await linkUp(master, 'berlin', 'b3', 74_000);
  await master.say('send', hero, { type: 'send.begun', offset_bytes: gibs(1.5), is_live: true }, 400);
  // A late word of an attempt that is over, and a verb that cannot do anything.
  await master.happen(hero, { type: 'reception.failed', attempt: 0, error: lost }, peer('berlin', 33), 5_000);
  const space = errorOf(
    'NoSpace',
    'no space left on berlin: 1.2 GiB are missing in /srv/images',
    'free some space on berlin, or add a device; it tries again by itself',
    true,
  );
  await master.happen(
    hero,
    { type: 'reception.failed', attempt: 1, error: space },
    peer('berlin', 34),
    2 * minute_ms,
  );
  await master.wait(20_000);
  await begin(master, 2, gibs(2.25), 36);
  await master.restart(90_000);
  await linkUp(master, 'berlin', 'b4', 3_000);
  await master.end('scan', image, scanned, 1_500);
  await master.say('send', hero, { type: 'send.begun', offset_bytes: gibs(2.5), is_live: false }, 300);
}

/** So many bytes of it are there when the story is told. */
export const sent_bytes = gibs(3.1);

export const need: SnapshotNeed = {
  number: '0041',
  kind: 'base',
  node: 'hamburg',
  transfer: '',
  since_ms: now_ms - day_ms,
  otherwise: '0040',
};

function makeSnapshots(master: StoryMaster): void {
  for (let index = 28; index <= 42; index += 1) {
    const number = String(index).padStart(4, '0');
    const needed_by: SnapshotNeed[] = [];
    if (number === '0041') {
      needed_by.push({ ...need, kind: 'parent', node: 'berlin', transfer: hero.id }, need);
    }
    if (number === '0042')
      needed_by.push({ ...need, number, kind: 'sent', node: 'berlin', transfer: hero.id });
    master.snapshots.push({
      image: image.id,
      number,
      mountpoint: '/srv/images',
      image_path: '/srv/images/debian-12',
      path: `/srv/images/debian-12/${number}`,
      uuid: `5a2c1f00-0000-4000-8000-00000000${number}`,
      received_uuid: '',
      created_at_ms: now_ms - (43 - index) * 6 * hour_ms,
      needed_by,
    });
  }
}

const copy = (replica: string, more: Partial<CopyReport>): CopyReport => ({
  image: image.id,
  replica,
  state: 'in_sync',
  is_online: true,
  newest: '0042',
  snapshots_behind: 0,
  lag_s: 0,
  transfers: [],
  failed_transfer: '',
  known_at_ms: now_ms - 20_000,
  ...more,
});

function fleet(): FleetReport {
  return {
    at_ms: now_ms,
    images: [{ name: image.id, newest: '0042', snapshot_count: 15, newest_at_ms: now_ms - 6 * hour_ms }],
    replicas: ['berlin', 'hamburg', 'vienna', 'zurich'].map((name, index) => ({
      name,
      node_id: index + 1,
      state: 'online',
    })),
    copies: [
      copy('berlin', {
        state: 'in_transfer',
        newest: '0041',
        snapshots_behind: 1,
        lag_s: 21_600,
        transfers: [hero.id],
      }),
      copy('hamburg', {
        state: 'failed',
        newest: '0040',
        snapshots_behind: 2,
        lag_s: 43_200,
        failed_transfer: failed_transfer.id,
      }),
      copy('vienna', { state: 'unknown', newest: '', known_at_ms: null, is_online: false }),
      copy('zurich', {}),
    ],
  };
}

/** A night's work: bursts whose link carries half of the stream. */
export function throughput(replica: string, since_s: number, step_s: number): ThroughputReport {
  const until_s = Math.floor(now_ms / 1_000);
  const samples = [];
  for (let at_s = Math.ceil(since_s / step_s) * step_s; at_s < until_s; at_s += step_s) {
    const wave = Math.sin(at_s / 700) + Math.sin(at_s / 173) / 3 + Math.sin(at_s / 7_919);
    if (wave < -0.2) continue;
    const stream_bytes = Math.round((wave + 0.3) * 90e6 * step_s * (1 + Math.sin(at_s) / 12));
    samples.push({
      at_s,
      stream_bytes,
      link_bytes: Math.round(stream_bytes * (0.45 + Math.sin(at_s / 900) / 10)),
    });
  }
  return { replica, step_s, samples };
}

/** Tells all of it. The caller closes the master. */
export async function tellStory(): Promise<StoryMaster> {
  const master = await StoryMaster.open(now_ms - 6 * day_ms, {
    fleet: {
      report: async () => fleet(),
      throughput: async (replica, { since_s = 0, step_s = 10 }) => throughput(replica, since_s, step_s),
    },
  });
  makeSnapshots(master);
  await master.create(
    image,
    { name: image.id, source: '/srv/images/debian-12/live', codec: 'zstd' },
    operator,
  );
  await master.end('scan', image, scanned, 300);
  await makeReplicas(master);
  await failOne(master);
  await master.wait(Math.max(0, now_ms - 14 * minute_ms - master.clock.now()));
  await tellHero(master);
  await master.wait(Math.max(0, now_ms - master.clock.now()));
  master.move({
    actor: hero,
    attempt: 2,
    stream_bytes: sent_bytes,
    link_bytes: gibs(0.28),
    total_bytes: gibs(4.2),
    rate_bytes_per_s: 64e6,
    taken_bytes: sent_bytes - 8e6,
    checkpoint_bytes: gibs(3),
    checkpoint_at_ms: now_ms - 4_000,
    started_at_ms: now_ms - 30_000,
    at_ms: now_ms,
  });
  return master;
}
