import { IcbdError } from '../../../src/core/errors.js';
import type { OutgoingMessage, PlainEvent } from '../../../src/core/records.js';
import type { Random } from './random.js';
import type { SimClock } from './sim_clock.js';
import type { SimNode } from './sim_node.js';

/** One control link between the master and a replica. In-order, as TCP is, until it breaks. */
interface SimLink {
  readonly session: string;
  readonly replica: SimNode;
  is_up: boolean;
  /** When the last frame in each direction arrives; the next one comes after it. */
  readonly last_arrival_ms: { to_master: number; to_replica: number };
  readonly breaks: AbortController;
}

export interface NetworkOptions {
  readonly clock: SimClock;
  readonly random: Random;
  readonly master: () => SimNode;
  /** Whether faults may still be made. */
  readonly isChaos: () => boolean;
  readonly onViolation: (what: string) => void;
}

/** Seeded links that delay, repeat, and break; a replica dials again whenever it has none. */
export class Network {
  cuts = 0;
  readonly #options: NetworkOptions;
  readonly #links = new Map<string, SimLink>();
  readonly #heard = new Set<string>();
  #sessions = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** Aborted when the link of now breaks; throws when there is none. */
  linkOf(replica: string): AbortSignal {
    const link = this.#links.get(replica);
    if (link === undefined) {
      throw new IcbdError('ReplicaOffline', 'no link', { operation: 'find link', subject: replica });
    }
    return link.breaks.signal;
  }

  /** Dials until it succeeds. */
  dial(replica: SimNode): void {
    const { clock, random } = this.#options;
    clock.after(random.between(100, 5_000), () => {
      if (this.#links.has(replica.name)) return;
      if (replica.runtime === undefined) return;
      if (this.#options.master().runtime === undefined) this.dial(replica);
      else this.#connect(replica);
    });
  }

  #connect(replica: SimNode): void {
    this.#sessions += 1;
    const link: SimLink = {
      session: `session-${this.#sessions}`,
      replica,
      is_up: true,
      last_arrival_ms: { to_master: 0, to_replica: 0 },
      breaks: new AbortController(),
    };
    this.#links.set(replica.name, link);
    const master = this.#options.master();
    const capabilities = { codecs: ['none'], stream_version_max: 1, btrfs_progs: '6.2', kernel: '6.18' };
    master.runtime?.deliver(
      { kind: 'replica', id: replica.name },
      { type: 'link.up', session: link.session, address: 'sim', capabilities },
      { kind: 'daemon', what: 'link' },
    );
    for (const message of master.storage.messages.waiting(replica.name))
      this.#transmit(link, master, message);
    for (const message of replica.storage.messages.waiting(master.name)) {
      this.#transmit(link, replica, message);
    }
    this.#tellReceptions(replica, 'link.up');
    this.#planCut(link);
    this.#planAnswer(link, 300);
  }

  /** As the keep-alives of a master: an answer, and now and then silence, which an answer ends, or the link's end. */
  #planAnswer(link: SimLink, delay_ms: number): void {
    const { clock, random } = this.#options;
    clock.after(random.between(1, delay_ms), () => {
      if (!link.is_up) return;
      this.#tellReplica(link, { type: 'keepalive.answered', round_trip_ms: 1 });
      this.#planSilence(link);
    });
  }

  #planSilence(link: SimLink): void {
    const { clock, random, isChaos } = this.#options;
    clock.after(random.between(1_000, 60_000), () => {
      if (!link.is_up || !isChaos()) return;
      this.#tellReplica(link, { type: 'keepalive.missed', tries: 1, reason: 'silent' });
      if (random.chance(0.5)) this.#planAnswer(link, 20_000);
      else clock.after(20_000, () => link.is_up && this.cut(link.replica.name, 'silent for too long'));
    });
  }

  #tellReplica(link: SimLink, event: PlainEvent): void {
    const { runtime } = this.#options.master();
    const to = { kind: 'replica', id: link.replica.name } as const;
    runtime?.deliver(to, { ...event, session: link.session }, { kind: 'daemon', what: 'keep-alive' });
  }

  /** As the daemon of a replica does. */
  #tellReceptions(replica: SimNode, type: 'link.up' | 'link.down'): void {
    const states = ['receiving', 'disconnected'];
    for (const record of replica.storage.actors.list({ kind: 'reception', states, limit: 1_000 })) {
      replica.runtime?.deliver(record, { type }, { kind: 'daemon', what: 'link' });
    }
  }

  #planCut(link: SimLink): void {
    const { clock, random } = this.#options;
    clock.after(random.between(1_000, 60_000), () => {
      if (!link.is_up || !this.#options.isChaos()) return;
      this.cut(link.replica.name, 'cut by the simulation');
    });
  }

  /** Breaks the link of a replica; the master notices at once, late, or only by the next link. */
  cut(replica: string, reason: string): void {
    const link = this.#links.get(replica);
    if (link === undefined) return;
    this.cuts += 1;
    link.is_up = false;
    this.#links.delete(replica);
    link.breaks.abort(new IcbdError('LinkLost', reason, { operation: 'simulate', subject: replica }));
    const notice = (): void => {
      this.#options
        .master()
        .runtime?.deliver(
          { kind: 'replica', id: replica },
          { type: 'link.down', session: link.session, reason },
          { kind: 'daemon', what: 'link' },
        );
    };
    const { clock, random } = this.#options;
    if (random.chance(0.5)) notice();
    else clock.after(random.between(1, 10_000), notice);
    if (link.replica.runtime === undefined) return;
    this.#tellReceptions(link.replica, 'link.down');
    this.dial(link.replica);
  }

  /** Hands the messages of a commit to the links that are up. */
  send(from: SimNode, messages: readonly OutgoingMessage[]): void {
    const master = this.#options.master();
    for (const message of messages) {
      const link = this.#links.get(from === master ? message.peer : from.name);
      if (link !== undefined) this.#transmit(link, from, message);
    }
  }

  #transmit(link: SimLink, from: SimNode, message: OutgoingMessage): void {
    const { random } = this.#options;
    const master = this.#options.master();
    const to = from === master ? link.replica : master;
    const floor = from.storage.messages.floor(message.peer) ?? message.id;
    const deliver = (): void => {
      if (to.runtime === undefined) return;
      to.storage.messages.forget(from.name, floor);
      const taken = to.runtime.receive(from.name, from.name, message);
      const acknowledge = (is_new: boolean): void => {
        if (is_new) this.#noteHeard(from, message);
        this.#carry(link, to === master ? 'to_replica' : 'to_master', () =>
          from.storage.messages.acknowledge(message.peer, message.id),
        );
      };
      // A commit that fails is no acknowledgement: the message comes again.
      taken.then(acknowledge, () => undefined);
    };
    this.#carry(link, to === master ? 'to_master' : 'to_replica', deliver);
    // Comes once more, maybe long after it was acknowledged and forgotten.
    if (random.chance(0.1)) this.#options.clock.after(random.between(1, 20_000), deliver);
  }

  #noteHeard(from: SimNode, message: OutgoingMessage): void {
    const key = `${from.name}:${message.id}`;
    if (this.#heard.has(key)) this.#options.onViolation(`message ${key} was acted on twice`);
    this.#heard.add(key);
  }

  #carry(link: SimLink, direction: 'to_master' | 'to_replica', arrive: () => void): void {
    const { clock, random } = this.#options;
    const arrival_ms = Math.max(clock.now() + random.between(1, 300), link.last_arrival_ms[direction]);
    link.last_arrival_ms[direction] = arrival_ms;
    clock.after(arrival_ms - clock.now(), () => {
      if (link.is_up) arrive();
    });
  }
}
