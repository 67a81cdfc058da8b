/** The names that a daemon knows now, for completion: it gives none rather than an error or a wait. */
import type { CallOptions } from '../../client/connection.js';
import type { ControlClient } from '../../client/control_client.js';
import type { Clock } from '../../core/clock.js';

/** How long somebody who pressed Tab waits for a daemon, ms. */
const patience_ms = 1_000;
/** Transfers that are offered, newest first. */
const transfers_max = 200;

/** What is asked of a daemon. */
export type NameClient = Pick<ControlClient, 'status'> & {
  readonly [part in 'images' | 'replicas' | 'snapshots' | 'transfers']: Pick<ControlClient[part], 'list'>;
};

export class LiveNames {
  readonly #client: NameClient;
  readonly #clock: Clock;

  constructor(client: NameClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The replicas of the daemon: their names and, behind them, their numbers. */
  replicas(): Promise<readonly string[]> {
    return this.#within(async (call) => {
      const replicas = await this.#client.replicas.list(call);
      return [...replicas.map(({ name }) => name), ...replicas.map(({ node_id }) => String(node_id))];
    });
  }

  /** The node of the daemon itself. */
  self(): Promise<readonly string[]> {
    return this.#within(async (call) => [(await this.#client.status(call)).node]);
  }

  images(node: string | undefined): Promise<readonly string[]> {
    return this.#within(async (call) =>
      (await this.#client.images.list({ node, ...call })).map(({ name }) => name),
    );
  }

  snapshots(image: string, node: string | undefined): Promise<readonly string[]> {
    return this.#within(async (call) =>
      (await this.#client.snapshots.list(image, { node, ...call })).map(({ number }) => number),
    );
  }

  transfers(): Promise<readonly string[]> {
    return this.#within(async (call) =>
      (await this.#client.transfers.list({ limit: transfers_max }, call)).map(({ id }) => id),
    );
  }

  async #within(ask: (call: CallOptions) => Promise<readonly string[]>): Promise<readonly string[]> {
    const given_up = new AbortController();
    const cancel = this.#clock.after(patience_ms, () => given_up.abort());
    try {
      return await ask({ signal: given_up.signal });
    } catch {
      return [];
    } finally {
      cancel();
    }
  }
}
