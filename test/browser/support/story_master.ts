/**
 * A master whose machines, history, reports and control API are real, and whose world is made up: what its effects do
 * and what its replicas say is up to a test.
 */
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import type { Clock } from '../../../src/core/clock.js';
import type { SnapshotInfo } from '../../../src/core/lineage.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { ActorAddress, EventCause, PlainEvent, ProgressRecord } from '../../../src/core/records.js';
import type { HistoryFilter, SnapshotReport } from '../../../src/core/report.js';
import { machines } from '../../../src/actors/machines.js';
import { actorHistory } from '../../../src/daemon/actor_history.js';
import { SocketAccess } from '../../../src/daemon/control/access.js';
import { ControlService } from '../../../src/daemon/control/service.js';
import { StaticFiles, built_page } from '../../../src/daemon/control/static_files.js';
import { EventFeed } from '../../../src/daemon/event_feed.js';
import { reportImage } from '../../../src/daemon/images/image_reports.js';
import { inspectionOperations } from '../../../src/daemon/operations/inspection_operations.js';
import { Fleet } from '../../../src/daemon/operations/fleet.js';
import type { Operations } from '../../../src/daemon/operations/operations.js';
import { replicaListOperations } from '../../../src/daemon/operations/replica_list_operations.js';
import { masterVerbs } from '../../../src/daemon/operations/verb_operations.js';
import { ProgressBoard, progressReport } from '../../../src/daemon/progress_board.js';
import { system_clock } from '../../../src/daemon/system_clock.js';
import { TransferDesk } from '../../../src/daemon/transfer_desk.js';
import { TransferReports } from '../../../src/daemon/transfer_reports.js';
import type { EffectHandler } from '../../../src/runtime/ports.js';
import { Runtime } from '../../../src/runtime/runtime.js';
import { Storage } from '../../../src/storage/storage.js';

export const operator: EventCause = { kind: 'operator', who: 'anna' };
const mountpoint = '/srv/images';
const kinds = ['plan', 'send', 'scan', 'create_snapshot', 'add_snapshot', 'delete_snapshot'];

/** Work that goes on until a test ends it. */
interface Held {
  readonly kind: string;
  readonly actor: ActorAddress;
  readonly tell: (event: PlainEvent) => boolean;
  readonly end: (event: PlainEvent) => void;
}

class StoryClock implements Clock {
  now_ms: number;
  readonly #waiting = new Set<{ at_ms: number; work: () => void }>();

  constructor(now_ms: number) {
    this.now_ms = now_ms;
  }

  now(): number {
    return this.now_ms;
  }

  after(delay_ms: number, work: () => void): () => void {
    const entry = { at_ms: this.now_ms + delay_ms, work };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  advance(by_ms: number): void {
    const end_ms = this.now_ms + by_ms;
    for (;;) {
      const [next] = [...this.#waiting]
        .filter(({ at_ms }) => at_ms <= end_ms)
        .toSorted((one, other) => one.at_ms - other.at_ms);
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.now_ms = Math.max(this.now_ms, next.at_ms);
      next.work();
    }
    this.now_ms = end_ms;
  }
}

const linkTo = (node: string): never => {
  throw new IcbdError('ReplicaOffline', `${node} is made up`, { operation: 'find link', subject: node });
};

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class StoryMaster {
  readonly clock: StoryClock;
  readonly storage = Storage.open(':memory:');
  readonly progress: ProgressBoard;
  readonly reports: TransferReports;
  readonly snapshots: SnapshotReport[] = [];
  readonly #held: Held[] = [];
  readonly #ends = new Map<string, () => void>();
  readonly #feed: EventFeed;
  readonly #server: Server;
  readonly #operations: Operations;
  #runtime: Runtime;
  /** Makes the answers of what no machine knows. */
  readonly #made_up: Pick<Operations, 'fleet'>;

  private constructor(now_ms: number, made_up: Pick<Operations, 'fleet'>) {
    this.clock = new StoryClock(now_ms);
    this.#made_up = made_up;
    this.progress = new ProgressBoard(this.clock, (row) => this.storage.node.saveProgress(row));
    this.reports = new TransferReports(this.storage, this.progress, 'transfer', 'master');
    this.#runtime = this.#start();
    this.#operations = this.#makeOperations();
    this.#feed = this.#makeFeed();
    const parts = { operations: this.#operations, feed: this.#feed, probes: null };
    const service = new ControlService(parts, new StaticFiles(built_page), pino({ level: 'silent' }));
    const access = new SocketAccess(['127.0.0.1']);
    this.#server = createServer((request, response) => {
      response.setHeader('date', new Date(this.clock.now()).toUTCString());
      void service.serve(access, request, response);
    });
  }

  static async open(now_ms: number, made_up: Pick<Operations, 'fleet'>): Promise<StoryMaster> {
    const master = new StoryMaster(now_ms, made_up);
    await new Promise<void>((resolve) => master.#server.listen(0, '127.0.0.1', resolve));
    return master;
  }

  /** Of now: a restart makes another one. */
  get runtime(): Runtime {
    return this.#runtime;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#feed.close();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    await this.runtime.close();
    this.storage.close();
  }

  async create(to: ActorAddress, input: unknown, cause: EventCause): Promise<void> {
    this.runtime.create(to, input, cause);
    await settle();
  }

  /** Something happens to an actor, after a while. */
  async happen(to: ActorAddress, event: PlainEvent, cause: EventCause, after_ms = 40): Promise<void> {
    this.clock.advance(after_ms);
    this.runtime.deliver(to, event, cause);
    await settle();
  }

  /** The newest work of a kind that an actor has begun says something, and goes on. */
  async say(kind: string, actor: ActorAddress, event: PlainEvent, after_ms = 40): Promise<void> {
    this.clock.advance(after_ms);
    this.#work(kind, actor).tell(event);
    await settle();
  }

  /** It ends. */
  async end(kind: string, actor: ActorAddress, event: PlainEvent, after_ms = 40): Promise<void> {
    this.clock.advance(after_ms);
    this.#work(kind, actor).end(event);
    await settle();
  }

  /** Time goes by. */
  async wait(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
  }

  /** The daemon stops as by a crash, and starts anew. */
  async restart(after_ms: number): Promise<void> {
    this.clock.advance(after_ms);
    const old = this.#runtime;
    this.#runtime = this.#start();
    this.#feed.close();
    await old.close();
    await settle();
  }

  /** Its bytes move, until its work ends or is stopped. */
  move(record: ProgressRecord): void {
    this.#ends.set(
      record.actor.id,
      this.progress.show(record.actor, () => record),
    );
  }

  #halt(id: string): void {
    this.#ends.get(id)?.();
    this.#ends.delete(id);
  }

  #work(kind: string, actor: ActorAddress): Held {
    const found = this.#held.findLast((work) => work.kind === kind && work.actor.id === actor.id);
    if (found === undefined) throw new Error(`${actor.kind} ${actor.id} has begun no ${kind}`);
    return found;
  }

  #start(): Runtime {
    const handler: EffectHandler = (effect, { tell, signal }) =>
      new Promise((resolve) => {
        const { kind, actor } = effect;
        this.#held.push({ kind, actor, tell, end: resolve });
        const stop = (): void => {
          this.#halt(actor.id);
          resolve({ type: `${kind}.done` });
        };
        signal.addEventListener('abort', stop, { once: true });
      });
    const { storage, clock } = this;
    const runtime = new Runtime({
      storage,
      clock,
      machines,
      handlers: Object.fromEntries(kinds.map((kind) => [kind, handler])),
      onFatal: (error) => {
        throw error;
      },
    });
    runtime.start();
    return runtime;
  }

  #makeFeed(): EventFeed {
    const { storage, progress } = this;
    return new EventFeed(
      {
        hello: () => ({ node: 'master', role: 'master', epoch: this.runtime.epoch }),
        subscribe: (subscriber) => this.runtime.subscribe(subscriber),
        lastEventId: () => storage.history.lastEventId(),
        eventsAfter: (event_id, limit) => storage.history.eventsAfter(event_id, limit),
        report: async ({ kind, id }) => {
          if (kind === 'transfer')
            return { kind: 'transfers', report: await this.#operations.transfers.get(id) };
          if (kind === 'replica')
            return { kind: 'replicas', report: await this.#operations.replicas.get(id) };
          return { kind: 'images', report: this.#image(id) };
        },
        progress: () => progress.all().map((one) => ({ id: one.actor.id, progress: progressReport(one) })),
        transfer_kind: 'transfer',
      },
      system_clock,
    );
  }

  #image(name: string) {
    const record = this.storage.actors.load({ kind: 'image', id: name });
    if (record !== undefined) return reportImage(mountpoint, record);
    throw new IcbdError('ImageNotFound', `there is no image ${name}`, {
      operation: 'find image',
      subject: name,
    });
  }

  /** What is told to it is told to the runtime after a restart too. */
  #runtimeOfNow(): Runtime {
    return new Proxy(this.#runtime, {
      get: (_old, name) => {
        const value: unknown = Reflect.get(this.#runtime, name);
        return typeof value === 'function' ? value.bind(this.#runtime) : value;
      },
    });
  }

  #makeOperations(): Operations {
    const { storage, reports } = this;
    const names = storage.actors.list({ kind: 'replica' }).map(({ id }) => id);
    const configured = new Set(['berlin', 'hamburg', 'vienna', 'zurich', ...names]);
    const fleet = new Fleet({ name: 'master', storage, configured, linkTo });
    const desk = new TransferDesk({
      storage,
      reports,
      runtime: this.#runtimeOfNow(),
      repository: {
        settings: (name) => ({ name, source: '', codec: 'zstd', scan: null, error: null }),
        snapshot: async (image, number) => this.#info(image, number),
        snapshots: async (image) => this.#of(image).map(({ number }) => this.#info(image, number)),
      },
      resolveReplicas: (to) => fleet.resolveAll(to),
      instance: '5a2c1f00-0000-4000-8000-000000000001',
      failures_max: 5,
    });
    const made = {
      ...this.#made_up,
      replicas: replicaListOperations({
        fleet,
        storage,
        keepAliveOf: (node) =>
          node === 'vienna'
            ? undefined
            : { last_answer_at_ms: this.clock.now() - 2_000, round_trip_ms: 3.4, missed: 0 },
      }),
      images: {
        list: async () =>
          storage.actors.list({ kind: 'image' }).map((record) => reportImage(mountpoint, record)),
        get: async (name: string) => ({
          ...this.#image(name),
          last: this.snapshots.at(-1) ?? null,
          needs: [],
        }),
        history: async (name: string, filter: HistoryFilter) => ({
          image: this.#image(name),
          ...actorHistory(storage, { kind: 'image', id: name }, filter),
        }),
      },
      snapshots: {
        list: async (image: string) => this.#of(image),
        create: async (image: string) => this.#takeSnapshot(image),
      },
      transfers: {
        list: async (filter: Parameters<TransferReports['list']>[0]) => reports.list(filter),
        count: async (filter: Parameters<TransferReports['count']>[0]) => reports.count(filter),
        get: async (id: string) => reports.report(reports.require(id)),
        history: async (id: string, filter: Parameters<TransferReports['history']>[1]) =>
          reports.history(id, filter),
        cancel: async (id: string) => desk.act(id, 'cancel', operator),
      },
      verbs: masterVerbs({ desk, fleet, storage, reports, runtime: this.#runtimeOfNow() }),
      inspection: inspectionOperations({
        storage,
        node: 'master',
        find: {
          transfer: (id) => reports.require(id),
          replica: (id) => ({ kind: 'replica', id: fleet.resolve(id).name }),
          image: (id) => ({ kind: 'image', id }),
        },
      }),
    };
    return made as unknown as Operations;
  }

  #of(image: string): SnapshotReport[] {
    return this.snapshots.filter((snapshot) => snapshot.image === image);
  }

  /** @throws IcbdError `SnapshotNotFound` */
  #info(image: string, number: string): SnapshotInfo {
    const found = this.#of(image).find((snapshot) => snapshot.number === number);
    if (found === undefined) {
      throw new IcbdError('SnapshotNotFound', `there is no snapshot ${number}`, {
        operation: 'find snapshot',
        subject: `${image} ${number}`,
      });
    }
    const { uuid, received_uuid, created_at_ms } = found;
    return {
      number,
      uuid,
      received_uuid,
      created_at_ms,
      parent_uuid: '',
      created_generation: Number(number),
    };
  }

  #takeSnapshot(image: string): SnapshotReport {
    const last = this.snapshots.findLast((snapshot) => snapshot.image === image);
    if (last === undefined) {
      throw new IcbdError('ImageNotFound', `there is no image ${image}`, {
        operation: 'take',
        subject: image,
      });
    }
    const number = String(Number(last.number) + 1).padStart(4, '0');
    const taken = {
      ...last,
      number,
      path: `${last.image_path}/${number}`,
      created_at_ms: this.clock.now(),
      needed_by: [],
    };
    this.snapshots.push(taken);
    this.runtime.deliver({ kind: 'image', id: image }, { type: 'image.rescan' }, operator);
    return taken;
  }
}
