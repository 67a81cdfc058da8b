import { IcbdError } from '../core/errors.js';
import type { ControlLink, IncomingMessage } from '../core/link.js';
import type { OutgoingMessage } from '../core/records.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Storage } from '../storage/storage.js';

/** Refuses a message that its sender has no right to send, or that does not fit. @throws IcbdError */
export type MessageCheck = (node: string, message: IncomingMessage) => void;

/** Messages of a peer that are kept as seen beyond those that may come again, at most. */
const forget_every = 32;

/** Carries durable messages between the outbox and the links, and from the links to the actors, once each. */
export class Postman {
  readonly #storage: Storage;
  readonly #runtime: Runtime;
  readonly #check: MessageCheck;
  readonly #onUnsendable: (message: OutgoingMessage, error: IcbdError) => void;
  readonly #links = new Map<string, ControlLink>();
  readonly #acknowledged: [node: string, message_id: number][] = [];
  /** Floors by the instances of peers. */
  readonly #forgotten = new Map<string, number>();

  /** @param onUnsendable told of a message that no link takes; it stays in the outbox */
  constructor(
    storage: Storage,
    runtime: Runtime,
    check: MessageCheck,
    onUnsendable: (message: OutgoingMessage, error: IcbdError) => void,
  ) {
    this.#storage = storage;
    this.#runtime = runtime;
    this.#check = check;
    this.#onUnsendable = onUnsendable;
    runtime.subscribe(({ messages }) => messages.forEach((message) => this.#send(message)));
  }

  /** A link came up: what its node has not acknowledged goes out again, in order. */
  attach(link: ControlLink): void {
    this.#links.set(link.peer.node, link);
    this.#storage.messages.waiting(link.peer.node).forEach((message) => this.#send(message));
  }

  detach(link: ControlLink): void {
    if (this.#links.get(link.peer.node) === link) this.#links.delete(link.peer.node);
  }

  /** Whether a node has its control link. */
  isLinked(node: string): boolean {
    return this.#links.has(node);
  }

  /** @throws IcbdError `ReplicaOffline` */
  linkTo(node: string): ControlLink {
    const link = this.#links.get(node);
    if (link !== undefined) return link;
    throw new IcbdError('ReplicaOffline', `${node} is not connected`, {
      operation: 'find link',
      subject: node,
      hint: `icbdrep replicas tells since when; look at the log of ${node}`,
    });
  }

  get attached(): readonly ControlLink[] {
    return [...this.#links.values()];
  }

  /** Commits a message that came in. @throws what makes the link close without an acknowledgement */
  async receive(link: ControlLink, message: IncomingMessage): Promise<void> {
    const { node, instance } = link.peer;
    this.#check(node, message);
    await this.#runtime.receive(node, instance, message);
    this.#forget(instance, message.floor);
  }

  /** Acknowledgements that come together are noted together, in the same turn. */
  acknowledged(link: ControlLink, message_id: number): void {
    this.#acknowledged.push([link.peer.node, message_id]);
    if (this.#acknowledged.length === 1) queueMicrotask(() => this.#noteAcknowledged());
  }

  #noteAcknowledged(): void {
    const { messages } = this.#storage;
    const noted = this.#acknowledged.splice(0);
    // Undone by a power cut, the message goes out again, and its peer drops it as seen.
    this.#storage.quickTransaction(() => {
      for (const [node, message_id] of noted) messages.acknowledge(node, message_id);
    });
  }

  /** What was seen is forgotten many at a time. A power cut may bring rows back, which does no harm. */
  #forget(instance: string, floor: number): void {
    if (floor < (this.#forgotten.get(instance) ?? 0) + forget_every) return;
    this.#forgotten.set(instance, floor);
    this.#storage.quickTransaction(() => this.#storage.messages.forget(instance, floor));
  }

  #send(message: OutgoingMessage): void {
    const link = this.#links.get(message.peer);
    if (link === undefined) return;
    try {
      link.sendMessage(message, this.#storage.messages.floor(message.peer) ?? message.id);
    } catch (error) {
      // It must not take the link, or the commit's caller, down with it.
      this.#onUnsendable(message, IcbdError.from(error, 'send message', message.peer));
    }
  }
}
