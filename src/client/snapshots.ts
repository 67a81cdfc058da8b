import type { SnapshotReport } from '../core/report.js';
import type { VerifyReport } from '../core/verify_report.js';
import { type CallOptions, type ControlConnection, type NodeOptions, part } from './connection.js';

const snapshotPath = (image: string, number: string): string =>
  `images/${part(image)}/snapshots/${part(number)}`;

/** In a query, what is not asked for is left out. */
const flag = (value: boolean | undefined): true | undefined => (value === true ? true : undefined);

/** The snapshots of an image on a node. */
export class SnapshotsClient {
  readonly #connection: ControlConnection;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /**
   * In order: numbers by value, then other names by creation; empty if there are none.
   * @param options.needs whether to find out who needs which
   * @throws IcbdError `ImageNotFound`
   */
  list(
    image: string,
    { node, needs, signal }: NodeOptions & { readonly needs?: boolean } = {},
  ): Promise<SnapshotReport[]> {
    return this.#connection.call('GET', `images/${part(image)}/snapshots`, {
      query: { node, needs: flag(needs) },
      signal,
    });
  }

  /** @throws IcbdError `ImageNotFound`, `SnapshotNotFound` */
  get(image: string, number: string, { node, signal }: NodeOptions = {}): Promise<SnapshotReport> {
    return this.#connection.call('GET', snapshotPath(image, number), { query: { node }, signal });
  }

  /** @throws IcbdError `ImageNotFound` */
  async has(image: string, number: string, options: NodeOptions = {}): Promise<boolean> {
    return this.list(image, options).then((snapshots) => snapshots.some((one) => one.number === number));
  }

  /**
   * That of the largest number, or, if none has a number, the newest.
   * @throws IcbdError `ImageNotFound`, `SnapshotNotFound` if there are none
   */
  last(image: string, { node, signal }: NodeOptions = {}): Promise<SnapshotReport> {
    return this.#connection.call('GET', `images/${part(image)}/last`, { query: { node }, signal });
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

  /**
   * Takes a subvolume that somebody else made into the image.
   * @param options.from absolute path of one to take a read-only snapshot of; without it, the writable one that stands
   *   under the number becomes read-only: nothing may write in it any more
   * @throws IcbdError `ImageNotFound`, `BtrfsSubvolumeNotFound`, `SnapshotAlreadyExists`, `InvalidArgument`
   */
  add(
    image: string,
    number: string,
    { from, node, signal }: NodeOptions & { readonly from?: string | undefined } = {},
  ): Promise<SnapshotReport> {
    return this.#connection.call('POST', `${snapshotPath(image, number)}/add`, {
      body: { from, node },
      signal,
    });
  }

  /**
   * @param options.force deletes also what somebody needs
   * @throws IcbdError `ImageNotFound`, `SnapshotNotFound`, `SnapshotInUse`
   */
  delete(
    image: string,
    number: string,
    { node, force, signal }: NodeOptions & { readonly force?: boolean | undefined } = {},
  ): Promise<SnapshotReport> {
    return this.#connection.call('DELETE', snapshotPath(image, number), {
      query: { node, force: flag(force) },
      signal,
    });
  }

  /** Starts to compare a master's snapshot with its copies; it goes on only while `verification` is called. */
  verify(image: string, number: string, { node, signal }: NodeOptions = {}): Promise<VerifyReport> {
    return this.#connection.call('POST', `${snapshotPath(image, number)}/verify`, {
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
