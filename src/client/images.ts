import type { ImageAddRequest, ImageReport } from '../core/report.js';
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

  /** @throws IcbdError `ImageAlreadyExists`, `DirNotFound`, `BtrfsPathNotFound`, `BtrfsSubvolumeNotFound` */
  add(image: ImageAddRequest, { signal }: CallOptions = {}): Promise<ImageReport> {
    return this.#connection.call('POST', 'images', { body: image, signal });
  }

  /** Ends its replication on the node; files are left alone. @throws IcbdError `ImageNotFound` */
  remove(name: string, { node, signal }: NodeOptions = {}): Promise<ImageReport> {
    return this.#connection.call('DELETE', `images/${part(name)}`, { query: { node }, signal });
  }
}
