/** A master made of plain data: it answers what the page asks as a real one does, and says what happens on demand. */
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FeedData, FeedKind } from '../../../src/core/feed.js';
import type { FleetReport } from '../../../src/core/fleet_report.js';
import type { ImageReport, ReplicaReport, TransferReport } from '../../../src/core/report.js';
import type { RedriveReport } from '../../../src/core/verbs.js';
import { StaticFiles, built_page } from '../../../src/daemon/control/static_files.js';
import {
  type FleetSize,
  at_ms,
  makeFleet,
  makeImages,
  makeReplicas,
  makeSnapshots,
  makeTransfer,
} from './big_fleet.js';

/** The rules of what a page may load, as the master gives them. */
const content_rules =
  "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

export class FakeMaster {
  readonly fleet: FleetReport;
  readonly images: readonly ImageReport[];
  readonly replicas: readonly ReplicaReport[];
  transfers: TransferReport[];
  /** All that was asked for except to read. */
  readonly asked: Asked[] = [];
  readonly #server: Server;
  readonly #files = new StaticFiles(built_page);
  readonly #readers = new Set<ServerResponse>();

  private constructor(size: FleetSize) {
    this.fleet = makeFleet(size);
    this.images = makeImages(size);
    this.replicas = makeReplicas(size);
    this.transfers = Array.from({ length: size.transfers }, (_, index) => makeTransfer(index, size));
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const url = new URL(request.url ?? '/', 'http://fake');
        response.setHeader('date', new Date(at_ms).toUTCString());
        response.setHeader('content-security-policy', content_rules);
        const text = Buffer.concat(chunks).toString('utf8');
        const body: unknown = text === '' ? null : JSON.parse(text);
        if (!url.pathname.startsWith('/v1/')) {
          this.#files.serve(request, response, url.pathname).catch(() => {
            response.statusCode = 404;
            response.end();
          });
        } else if (url.pathname === '/v1/events') this.#open(response);
        else this.#answer(request.method ?? 'GET', url, body, response);
      });
    });
  }

  static async start(size: FleetSize): Promise<FakeMaster> {
    const master = new FakeMaster(size);
    await new Promise<void>((resolve) => master.#server.listen(0, '127.0.0.1', resolve));
    return master;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Says something to all who follow. */
  tell<K extends FeedKind>(kind: K, data: FeedData[K]): void {
    for (const reader of this.#readers) reader.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Changes transfers, and says so. */
  change(changed: readonly TransferReport[]): void {
    const by_id = new Map(changed.map((transfer) => [transfer.id, transfer]));
    const known = new Set(this.transfers.map(({ id }) => id));
    const made = changed.filter(({ id }) => !known.has(id));
    this.transfers = [...made, ...this.transfers.map((old) => by_id.get(old.id) ?? old)];
    this.tell('transfers', changed);
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) reader.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #open(response: ServerResponse): void {
    response.setHeader('content-type', 'text/event-stream');
    this.#readers.add(response);
    response.on('close', () => this.#readers.delete(response));
    const hello = { node: 'master', role: 'master', epoch: 3, last_event_id: 1 };
    response.write(`event: hello\ndata: ${JSON.stringify(hello)}\n\n`);
  }

  #answer(method: string, url: URL, body: unknown, response: ServerResponse): void {
    const path = decodeURIComponent(url.pathname.slice('/v1/'.length));
    if (method !== 'GET') this.asked.push({ method, path, body });
    const answer = method === 'GET' ? this.#read(path, url.searchParams) : this.#do(path, body);
    response.setHeader('content-type', 'application/json');
    response.statusCode = answer === undefined ? 404 : 200;
    const error = { code: 'InvalidArgument', message: `no ${path}`, operation: 'ask', subject: path };
    response.end(JSON.stringify(answer ?? { error: { ...error, retryable: false, hint: '' } }));
  }

  #read(path: string, query: URLSearchParams): unknown {
    const [first, second, third] = path.split('/');
    if (path === 'fleet') return this.fleet;
    if (path === 'images') return this.images;
    if (path === 'replicas') return this.replicas;
    if (path === 'transfers') return this.#list(query);
    if (path === 'transfers/count') return this.#count(query);
    if (first === 'images' && third === 'snapshots') return makeSnapshots(second ?? '');
    if (first === 'transfers' && third === undefined) {
      return (
        this.transfers.find(({ id }) => id === second) ??
        this.transfers.find(({ state }) => state === 'failed')
      );
    }
    return undefined;
  }

  #fitting(query: URLSearchParams): TransferReport[] {
    const image = query.get('image');
    const replica = query.get('replica');
    const text = (query.get('text') ?? '').toLowerCase();
    return this.transfers.filter(
      (one) =>
        (image === null || one.image === image) &&
        (replica === null || one.replica === replica) &&
        [one.id, one.image, one.number, one.replica].join('\n').toLowerCase().includes(text),
    );
  }

  #list(query: URLSearchParams): TransferReport[] {
    const states = query.get('states')?.split(',') ?? [];
    const fitting = this.#fitting(query).filter(({ state }) => states.length === 0 || states.includes(state));
    const sort = query.get('sort') ?? 'created';
    const key = (one: TransferReport): string | number =>
      sort === 'created' || sort === 'updated'
        ? one[`${sort}_at_ms`]
        : one[sort as 'image' | 'replica' | 'state'];
    const sorted = fitting.toSorted((one, other) =>
      key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0,
    );
    if (query.get('direction') !== 'up') sorted.reverse();
    const offset = Number(query.get('offset') ?? 0);
    return sorted.slice(offset, offset + Number(query.get('limit') ?? 1_000));
  }

  #count(query: URLSearchParams): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { state } of this.#fitting(query)) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  #do(path: string, body: unknown): unknown {
    const [first, id, verb] = path.split('/');
    if (path === 'redrive') return this.#redrive((body as { dry_run?: boolean }).dry_run === true);
    const transfer = this.transfers.find((one) => one.id === id);
    if (first === 'transfers' && verb !== undefined && transfer !== undefined) {
      const changed: TransferReport = {
        ...transfer,
        state: 'queued',
        settled: false,
        last_error: null,
        verbs: [],
      };
      this.change([changed]);
      return changed;
    }
    if (path !== 'transfers') return undefined;
    const { image, numbers, to } = body as { image: string; numbers: string[]; to: string[] };
    const [model] = this.transfers;
    const made = to.map((replica, index) => ({
      ...(model as TransferReport),
      id: `${this.transfers.length + 1 + index}-beef`,
      image,
      number: numbers[0] ?? '',
      replica,
      state: 'queued',
      settled: false,
      progress: null,
      created_at_ms: at_ms + 1,
      updated_at_ms: at_ms + 1,
    }));
    this.change(made);
    return made;
  }

  #redrive(is_dry: boolean): RedriveReport[] {
    return this.transfers
      .filter(({ state }) => state === 'failed')
      .map(({ id, image, number, replica, state }, index) => ({
        transfer: id,
        image,
        number,
        replica,
        state,
        starts_at_ms: at_ms + index * 1_000,
        result: is_dry ? 'would be redriven' : 'redriven',
        reason: 'goes on at its last checkpoint',
      }));
  }
}
