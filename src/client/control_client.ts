import { request as httpRequest } from 'node:http';
import { type ErrorReport, IcbdError, isErrorCode } from '../core/errors.js';
import type {
  DoctorReport,
  HistoryReport,
  ImageAddRequest,
  ImageReport,
  LeftoverRemoval,
  ReplicaReport,
  SendRequest,
  SnapshotReport,
  StatusReport,
  TransferFilter,
  TransferReport,
  VerifyReport,
} from '../core/report.js';

/** A daemon that says nothing for so long hangs, ms; taking a snapshot of a busy filesystem may take a while. */
const silence_ms_max = 120_000;
/** Bytes of the longest answer that is read. */
const answer_bytes_max = 256 * 1024 * 1024;

type Query = Readonly<Record<string, string | number | undefined>>;

function pathWith(path: string, query: Query = {}): string {
  const pairs = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') pairs.set(key, String(value));
  }
  return pairs.size === 0 ? path : `${path}?${pairs.toString()}`;
}

function readError(status: number, body: string, subject: string): IcbdError {
  try {
    const { error } = JSON.parse(body) as { error: ErrorReport };
    const code: string = error.code;
    if (isErrorCode(code)) return IcbdError.fromReport(error);
    return new IcbdError('Internal', `${code}: ${error.message}`, error);
  } catch {
    return new IcbdError('Internal', `the daemon answered ${status}`, { operation: 'control', subject });
  }
}

/**
 * A client of one daemon's control API.
 * Every method throws IcbdError: what the daemon answered, or `DaemonNotRunning` when nobody listens.
 */
export class ControlClient {
  readonly #socket_path: string;

  /** @param socket_path path of the daemon's unix socket */
  constructor(socket_path: string) {
    this.#socket_path = socket_path;
  }

  status(): Promise<StatusReport> {
    return this.#call('GET', '/v1/status');
  }

  doctor(): Promise<DoctorReport> {
    return this.#call('GET', '/v1/doctor');
  }

  /** Removes hidden subvolumes of an image that no transfer wants. */
  removeLeftovers(image: string, names: readonly string[]): Promise<LeftoverRemoval[]> {
    return this.#call('POST', '/v1/doctor/remove', { image, names });
  }

  replicas(): Promise<ReplicaReport[]> {
    return this.#call('GET', '/v1/replicas');
  }

  /** @param node name or id; default: the daemon that is asked. The same for all methods below. */
  images(node?: string): Promise<ImageReport[]> {
    return this.#call('GET', pathWith('/v1/images', { node }));
  }

  addImage(image: ImageAddRequest): Promise<ImageReport> {
    return this.#call('POST', '/v1/images', image);
  }

  /** Ends its replication on the node; files are left alone. */
  removeImage(name: string, node?: string): Promise<ImageReport> {
    return this.#call('DELETE', pathWith(`/v1/images/${encodeURIComponent(name)}`, { node }));
  }

  /** Oldest first. */
  snapshots(image: string, node?: string): Promise<SnapshotReport[]> {
    return this.#call('GET', pathWith(`/v1/images/${encodeURIComponent(image)}/snapshots`, { node }));
  }

  /** @param number default: the next free one */
  createSnapshot(image: string, number?: string, node?: string): Promise<SnapshotReport> {
    return this.#call('POST', `/v1/images/${encodeURIComponent(image)}/snapshots`, { number, node });
  }

  deleteSnapshot(image: string, number: string, node?: string): Promise<SnapshotReport> {
    const path = `/v1/images/${encodeURIComponent(image)}/snapshots/${encodeURIComponent(number)}`;
    return this.#call('DELETE', pathWith(path, { node }));
  }

  /** Starts to compare a master's snapshot with its copies; it goes on only while `verification` is called. */
  verifySnapshot(image: string, number: string, node?: string): Promise<VerifyReport> {
    const path = `/v1/images/${encodeURIComponent(image)}/snapshots/${encodeURIComponent(number)}/verify`;
    return this.#call('POST', path, { node });
  }

  verification(id: string): Promise<VerifyReport> {
    return this.#call('GET', `/v1/verifications/${encodeURIComponent(id)}`);
  }

  cancelVerification(id: string): Promise<VerifyReport> {
    return this.#call('DELETE', `/v1/verifications/${encodeURIComponent(id)}`);
  }

  /** One transfer for each number and replica, in the order of the numbers. */
  send(request: SendRequest): Promise<TransferReport[]> {
    return this.#call('POST', '/v1/transfers', request);
  }

  /** Newest first. */
  transfers({ states, ...rest }: TransferFilter = {}): Promise<TransferReport[]> {
    return this.#call('GET', pathWith('/v1/transfers', { ...rest, states: states?.join(',') }));
  }

  /** @param id for example `17-3fa9`, or the number before the dash alone */
  transfer(id: string): Promise<TransferReport> {
    return this.#call('GET', `/v1/transfers/${encodeURIComponent(id)}`);
  }

  history(id: string): Promise<HistoryReport> {
    return this.#call('GET', `/v1/transfers/${encodeURIComponent(id)}/history`);
  }

  cancel(id: string): Promise<TransferReport> {
    return this.#call('POST', `/v1/transfers/${encodeURIComponent(id)}/cancel`);
  }

  #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const subject = this.#socket_path;
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        const { code } = error as NodeJS.ErrnoException;
        const is_down = code === 'ENOENT' || code === 'ECONNREFUSED';
        const message = is_down ? `no daemon listens on ${subject}` : `control API: ${error.message}`;
        const hint = is_down
          ? 'start icbdrepd, or name the right socket with --socket or ICBDREP_SOCKET'
          : 'the daemon may have been restarted: look at its log, and try again';
        const details = { operation: 'control', subject, hint, cause: error };
        reject(new IcbdError('DaemonNotRunning', message, details));
      };
      const headers = { 'content-type': 'application/json' };
      const request = httpRequest(
        // A connection for each: one that is kept may have been closed by the daemon a moment ago.
        { socketPath: subject, method, path, headers, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on('error', fail);
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > answer_bytes_max) response.destroy(new Error('the answer is too long'));
            else chunks.push(chunk);
          });
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const status = response.statusCode ?? 500;
            if (status >= 400) reject(readError(status, text, subject));
            else resolve(JSON.parse(text) as T);
          });
        },
      );
      request.on('error', fail);
      request.setTimeout(silence_ms_max, () => {
        request.destroy(new Error(`no answer for ${silence_ms_max / 1_000} s`));
      });
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
