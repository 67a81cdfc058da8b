import type {
  HistoryFilter,
  ImageAddRequest,
  ImageDetails,
  ImageHistoryReport,
  ImageReport,
} from '../core/report.js';
import { type CallOptions, type ControlConnection, type NodeOptions, part } from './connection.js';

/** The images of a node. */
export class ImagesClient {
  readonly #connection: ControlConnection;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /** By name. */
  list({ node, signal }: NodeOptions = {}): Promise<ImageReport[]> {
    return this.#connection.call('GET', 'images', { query: { node }, signal });
  }

  /** All about one, with who needs which of its snapshots. @throws IcbdError `ImageNotFound` */
  get(name: string, { node, signal }: NodeOptions = {}): Promise<ImageDetails> {
    return this.#connection.call('GET', `images/${part(name)}`, { query: { node }, signal });
  }

  async has(name: string, options: NodeOptions = {}): Promise<boolean> {
    return this.list(options).then((images) => images.some((image) => image.name === name));
  }

  /** What happened to it, oldest first, also to one that was removed. @throws IcbdError `ImageNotFound` */
  history(
    name: string,
    { node, changes, limit, after_seq, signal }: NodeOptions & HistoryFilter = {},
  ): Promise<ImageHistoryReport> {
    const query = { node, changes: changes === true ? 'true' : undefined, limit, after_seq };
    return this.#connection.call('GET', `images/${part(name)}/history`, { query, signal });
  }

  /** Looks at the disk again, and waits for what is found. @throws IcbdError `ImageNotFound` */
  rescan(name: string, { node, signal }: NodeOptions = {}): Promise<ImageReport> {
    return this.#connection.call('POST', `images/${part(name)}/rescan`, { body: { node }, signal });
  }

  /** @throws IcbdError `ImageAlreadyExists`, `DirNotFound`, `BtrfsPathNotFound`, `BtrfsSubvolumeNotFound` */
  add(image: ImageAddRequest, { signal }: CallOptions = {}): Promise<ImageReport> {
    return this.#connection.call('POST', 'images', { body: image, signal });
  }

  /** Ends its replication on the node; files are left alone. @throws IcbdError `ImageNotFound` */
  remove(name: string, { node, signal }: NodeOptions = {}): Promise<ImageReport> {
    return this.#connection.call('DELETE', `images/${part(name)}`, { query: { node }, signal });
  }
}
