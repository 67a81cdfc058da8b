/**
 * Control links without sockets: the real sessions and handshakes over a network that lives in memory and is
 * driven by a seeded random and a clock. It delays, breaks, and repeats what was sent on earlier links.
 */
import type { Clock } from '../../src/core/clock.js';
import { IcbdError, type ErrorReport } from '../../src/core/errors.js';
import type { ControlLink, LinkHandlers } from '../../src/core/link.js';
import type { ChannelListener, TextChannel } from '../../src/transport/channel.js';
import { ControlRegistry } from '../../src/transport/control_registry.js';
import { ControlSession } from '../../src/transport/control_session.js';
import {
  dialHandshake,
  serveHandshake,
  type Handshaken,
  type Identity,
} from '../../src/transport/handshake.js';
import type { LinkClient, LinkClientOptions } from '../../src/transport/link_client.js';
import type { LinkServer, LinkServerOptions } from '../../src/transport/link_server.js';
import { Rhythm } from '../../src/transport/liveness.js';
import { Redialer } from '../../src/transport/redial.js';

export interface FakeNetworkOptions {
  readonly clock: Clock;
  /** Between 0 and 1; seeded, so that a run can be repeated. */
  readonly random: () => number;
}

export type FakeServer = Pick<LinkServer, 'port' | 'close'>;
export type FakeClient = Pick<LinkClient, 'link' | 'start' | 'stop'>;
export type FakeServerOptions = Pick<
  LinkServerOptions,
  'node' | 'instance' | 'capabilities' | 'secretOf' | 'log'
> & { readonly handlers: LinkHandlers };
/** `url` is `fake://` and the name of the server's node. */
export type FakeClientOptions = Omit<LinkClientOptions, 'tls_ca' | 'clock' | 'randomBytes' | 'url'> & {
  readonly url: string;
};

/** How many of the last durable messages of a direction may come again on a later link. */
const repeatable_max = 32;

class FakeChannel implements TextChannel {
  readonly address: string;
  readonly buffered_bytes = 0;
  received_bytes = 0;
  readonly rhythm = new Rhythm();
  peer: FakeChannel | undefined;
  readonly #network: FakeNetwork;
  readonly #direction: string;
  #listener: ChannelListener | undefined;
  #incoming: (() => void)[] = [];
  #is_ended = false;
  /** Arrivals that wait while its node hangs. */
  #held: number | undefined;

  constructor(network: FakeNetwork, address: string, direction: string) {
    this.#network = network;
    this.address = address;
    this.#direction = direction;
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener;
  }

  send(text: string): void {
    if (this.#is_ended) return;
    const { peer } = this;
    this.#network.remember(this.#direction, text);
    if (this.#network.drawBreak()) {
      this.#network.breakPair(this);
      return;
    }
    peer?.arrive(() => {
      peer.received_bytes += text.length;
      peer.#listener?.onText(text);
    });
  }

  ping(onAnswer: () => void): () => void {
    let is_wanted = true;
    const { peer } = this;
    if (!this.#is_ended) {
      peer?.arrive(() => {
        this.arrive(() => {
          this.received_bytes += 1;
          if (is_wanted) onAnswer();
        });
      });
    }
    return () => {
      is_wanted = false;
    };
  }

  close(reason: ErrorReport): void {
    if (this.#is_ended) return;
    this.#is_ended = true;
    const { peer } = this;
    peer?.arrive(() => {
      peer.lose(
        new IcbdError('LinkLost', `the peer closed the link: ${reason.code}: ${reason.message}`, reason),
      );
    });
  }

  /** In order, whatever the delays: what was sent first is delivered first. */
  arrive(work: () => void): void {
    this.#incoming.push(work);
    this.#network.later(() => {
      this.#takeNext();
    });
  }

  /** Its node hangs: what arrives waits, in order, until `thaw`. */
  freeze(): void {
    this.#held ??= 0;
  }

  thaw(): void {
    const held = this.#held ?? 0;
    this.#held = undefined;
    for (let taken = 0; taken < held; taken += 1) this.#takeNext();
  }

  #takeNext(): void {
    if (this.#held !== undefined) {
      this.#held += 1;
      return;
    }
    const next = this.#incoming.shift();
    if (!this.#is_ended) next?.();
  }

  /** The network broke; what was under way is gone. */
  lose(reason: IcbdError): void {
    if (this.#is_ended) return;
    this.#is_ended = true;
    this.#listener?.onBroken(reason);
  }

  dropIncoming(): void {
    this.#incoming = this.#incoming.map(() => () => undefined);
  }

  /** Its node is dead: nothing is heard or said any more. */
  kill(): void {
    this.#is_ended = true;
  }
}

interface ServerEntry {
  readonly accept: (channel: FakeChannel) => void;
}

interface Pair {
  readonly client_node: string;
  readonly server_node: string;
  readonly client: FakeChannel;
  readonly server: FakeChannel;
}

export class FakeNetwork {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #servers = new Map<string, ServerEntry>();
  readonly #cut = new Set<string>();
  readonly #muted = new Map<string, (() => void)[]>();
  readonly #sent = new Map<string, string[]>();
  #pairs: Pair[] = [];
  #delay_ms = { min: 0, max: 5 };
  #break_probability = 0;
  #repeat_probability = 0;

  constructor({ clock, random }: FakeNetworkOptions) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Every message takes between `min_ms` and `max_ms`. */
  setDelay(min_ms: number, max_ms: number): void {
    this.#delay_ms = { min: min_ms, max: max_ms };
  }

  /** With this probability, a message breaks its link instead of arriving. */
  setBreakProbability(probability: number): void {
    this.#break_probability = probability;
  }

  /** With this probability, a durable message of an earlier link comes again when a new one is made. */
  setRepeatProbability(probability: number): void {
    this.#repeat_probability = probability;
  }

  /** Breaks all links of a node, each end learning it in its own time; none can be made until `heal`. */
  cut(node: string): void {
    this.#cut.add(node);
    for (const pair of this.#pairsOf(node)) this.breakPair(pair.client);
  }

  heal(node: string): void {
    this.#cut.delete(node);
  }

  /** A node's process hangs, and its links stay: what it is told waits until `thaw`. */
  freeze(node: string): void {
    for (const end of this.#endsOf(node)) end.freeze();
  }

  thaw(node: string): void {
    for (const end of this.#endsOf(node)) end.thaw();
  }

  /** A node's process is dead: its handlers hear nothing more, not even `onDown`. Make it anew with `server` or `client`. */
  crash(node: string): void {
    for (const mute of this.#muted.get(node) ?? []) mute();
    this.#muted.delete(node);
    this.#servers.delete(node);
    for (const pair of this.#pairsOf(node)) {
      (pair.client_node === node ? pair.client : pair.server).kill();
      this.breakPair(pair.client);
    }
  }

  server(options: FakeServerOptions): FakeServer {
    const { node } = options;
    const identity = this.#identity(options);
    const handlers = this.#mutable(node, options.handlers);
    const registry = new ControlRegistry();
    let sessions = 0;
    const accept = (channel: FakeChannel): void => {
      serveHandshake(channel, identity, 'control', options.secretOf, {
        onDone: ({ peer }) => {
          sessions += 1;
          registry.admit(
            new ControlSession({
              channel,
              peer,
              session: `server-${String(sessions)}`,
              handlers,
              clock: this.#clock,
              onEnded: (ended) => {
                registry.remove(ended);
              },
              onHandlerFailed: (reason) =>
                options.log?.({ kind: 'handler_failed', error: reason.toReport() }),
            }),
          );
          this.#repeat(channel);
        },
        onFailed: (reason, claimed_node) => {
          const error = reason.toReport();
          options.log?.({ kind: 'handshake_failed', address: channel.address, claimed_node, error });
        },
      });
    };
    this.#servers.set(node, { accept });
    return {
      port: 0,
      close: () => {
        this.#servers.delete(node);
        const reason = new IcbdError('Interrupted', 'the node stops', {
          operation: 'link server',
          subject: node,
        });
        registry.closeAll(reason.toReport());
        return Promise.resolve();
      },
    };
  }

  client(options: FakeClientOptions): FakeClient {
    const { node } = options;
    const identity = this.#identity(options);
    const handlers = this.#mutable(node, options.handlers);
    let session: ControlSession | undefined;
    let sessions = 0;
    const redialer = new Redialer({
      clock: this.#clock,
      randomBytes: identity.randomBytes,
      onRefused: (reason) => options.onRefused?.(reason),
      log: (entry) => options.log?.(entry),
      dial: (hooks) => {
        const onFailed = (reason: IcbdError): void => {
          hooks.onEnded(reason);
        };
        const onDone = (channel: FakeChannel, { peer }: Handshaken): void => {
          sessions += 1;
          session = new ControlSession({
            channel,
            peer,
            session: `client-${String(sessions)}`,
            handlers,
            clock: this.#clock,
            onEnded: (_ended, reason) => {
              session = undefined;
              hooks.onEnded(IcbdError.fromReport(reason));
            },
            onHandlerFailed: (reason) => options.log?.({ kind: 'handler_failed', error: reason.toReport() }),
          });
          hooks.onUp(session);
          session.open();
        };
        return this.#connect(node, options.url.replace('fake://', ''), onFailed, (channel) => {
          dialHandshake(channel, identity, { kind: 'control' }, options.secret, {
            onDone: (result) => {
              onDone(channel, result);
            },
            onFailed,
          });
        });
      },
    });
    const stop = (): void => {
      const reason = new IcbdError('Interrupted', 'the node stops', {
        operation: 'control link',
        subject: node,
      });
      redialer.stop(reason.toReport());
    };
    this.#muted.get(node)?.push(stop);
    return {
      get link(): ControlLink | undefined {
        return session;
      },
      start: () => {
        redialer.start();
      },
      stop,
    };
  }

  later(work: () => void): () => void {
    const { min, max } = this.#delay_ms;
    return this.#clock.after(min + Math.floor(this.#random() * (max - min + 1)), work);
  }

  drawBreak(): boolean {
    return this.#break_probability > 0 && this.#random() < this.#break_probability;
  }

  remember(direction: string, text: string): void {
    if (!text.startsWith('{"type":"message"')) return;
    const sent = this.#sent.get(direction) ?? [];
    this.#sent.set(direction, [...sent, text].slice(-repeatable_max));
  }

  breakPair(channel: FakeChannel): void {
    const broken = this.#pairs.filter((pair) => pair.client === channel || pair.server === channel);
    this.#pairs = this.#pairs.filter((pair) => !broken.includes(pair));
    for (const { client, server } of broken) {
      for (const end of [client, server]) {
        end.dropIncoming();
        this.later(() => {
          end.lose(
            new IcbdError('LinkLost', 'the connection broke', {
              operation: 'control link',
              subject: end.address,
            }),
          );
        });
      }
    }
  }

  #pairsOf(node: string): Pair[] {
    return this.#pairs.filter((pair) => pair.client_node === node || pair.server_node === node);
  }

  #endsOf(node: string): FakeChannel[] {
    return this.#pairsOf(node).map(({ client_node, client, server }) =>
      client_node === node ? client : server,
    );
  }

  #connect(
    client_node: string,
    server_node: string,
    onFailed: (reason: IcbdError) => void,
    onOpen: (channel: FakeChannel) => void,
  ): () => void {
    let client: FakeChannel | undefined;
    const cancel = this.later(() => {
      const entry = this.#servers.get(server_node);
      if (entry === undefined || this.#cut.has(server_node) || this.#cut.has(client_node)) {
        const details = { operation: 'control link', subject: server_node };
        onFailed(new IcbdError('LinkLost', 'the peer cannot be reached', details));
        return;
      }
      client = new FakeChannel(this, server_node, `${client_node}>${server_node}`);
      const server = new FakeChannel(this, client_node, `${server_node}>${client_node}`);
      client.peer = server;
      server.peer = client;
      this.#pairs.push({ client_node, server_node, client, server });
      onOpen(client);
      entry.accept(server);
    });
    return () => {
      cancel();
      client?.close({ ...new IcbdError('Cancelled', 'given up', { operation: 'dial' }).toReport() });
    };
  }

  /** Called when the server's side is ready; the client's is when all before has arrived. */
  #repeat(channel: FakeChannel): void {
    const pair = this.#pairs.find(({ server }) => server === channel);
    if (pair === undefined || this.#repeat_probability === 0) return;
    const { client_node, server_node, client, server } = pair;
    for (const [direction, sender] of [
      [`${client_node}>${server_node}`, client],
      [`${server_node}>${client_node}`, server],
    ] as const) {
      for (const text of this.#sent.get(direction) ?? []) {
        if (this.#random() < this.#repeat_probability) sender.send(text);
      }
    }
  }

  #identity(options: Pick<Identity, 'node' | 'instance' | 'capabilities'>): Identity {
    const { node, instance, capabilities } = options;
    const randomBytes = (size: number): Buffer =>
      Buffer.from(Array.from({ length: size }, () => Math.floor(this.#random() * 256)));
    return { node, instance, capabilities, clock: this.#clock, randomBytes };
  }

  #mutable(node: string, handlers: LinkHandlers): LinkHandlers {
    let is_muted = false;
    const mutes = this.#muted.get(node) ?? [];
    mutes.push(() => {
      is_muted = true;
    });
    this.#muted.set(node, mutes);
    const dead = (): never => {
      throw new IcbdError('Interrupted', 'the node is dead', { operation: 'crash', subject: node });
    };
    return {
      onUp: (link) => (is_muted ? dead() : handlers.onUp(link)),
      onDown: (link, reason) => (is_muted ? undefined : handlers.onDown(link, reason)),
      onMessage: (link, message) => (is_muted ? dead() : handlers.onMessage(link, message)),
      onAcknowledged: (link, message_id) =>
        is_muted ? undefined : handlers.onAcknowledged(link, message_id),
      onRequest: (link, request) => (is_muted ? dead() : handlers.onRequest(link, request)),
    };
  }
}

export function createFakeNetwork(options: FakeNetworkOptions): FakeNetwork {
  return new FakeNetwork(options);
}
