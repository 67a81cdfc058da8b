import type { SnapshotReport, VerifyReport } from '../core/report.js';
import { type CallOptions, type ControlConnection, type NodeOptions, part } from './connection.js';

/** The snapshots of an image on a node. */
export class SnapshotsClient {
  readonly #connection: ControlConnection;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /** Oldest first; empty if there are none. @throws IcbdError `ImageNotFound` */
  list(image: string, { node, signal }: NodeOptions = {}): Promise<SnapshotReport[]> {
    return this.#connection.call('GET', `images/${part(image)}/snapshots`, { query: { node }, signal });
  }

  /** @throws IcbdError `ImageNotFound`, `SnapshotAlreadyExists`, `BtrfsSubvolumeNotFound` */
  create(
    image: string,
    { number, node, signal }: NodeOptions & { readonly number?: string | undefined } = {},
  ): Promise<SnapshotReport> {
    return this.#connection.call('POST', `images/${part(image)}/snapshots`, {
      body: { number, node },
      signal,
    });
  }

  /** @throws IcbdError `ImageNotFound`, `SnapshotNotFound`, `SnapshotInUse` */
  delete(image: string, number: string, { node, signal }: NodeOptions = {}): Promise<SnapshotReport> {
    return this.#connection.call('DELETE', `images/${part(image)}/snapshots/${part(number)}`, {
      query: { node },
      signal,
    });
  }

  /** Starts to compare a master's snapshot with its copies; it goes on only while `verification` is called. */
  verify(image: string, number: string, { node, signal }: NodeOptions = {}): Promise<VerifyReport> {
    return this.#connection.call('POST', `images/${part(image)}/snapshots/${part(number)}/verify`, {
      body: { node },
      signal,
    });
  }

  verification(id: string, { signal }: CallOptions = {}): Promise<VerifyReport> {
    return this.#connection.call('GET', `verifications/${part(id)}`, { signal });
  }

  cancelVerification(id: string, { signal }: CallOptions = {}): Promise<VerifyReport> {
    return this.#connection.call('DELETE', `verifications/${part(id)}`, { signal });
  }
}
