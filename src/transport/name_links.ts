/** Links that only ask: for the name server, beside or without a control link. */
import { IcbdError, type ErrorReport } from '../core/errors.js';
import type { ControlLink, LinkHandlers } from '../core/link.js';
import type { ControlSession } from './control_session.js';

/** Links of one node that may be up at the same time; the oldest gives way to one more. */
export const name_links_max = 8;

function refuseDurable(link: ControlLink): never {
  throw new IcbdError('InvalidMessage', 'a durable message on a link for names', {
    operation: 'names link',
    subject: link.peer.node,
  });
}

/** Handlers of a link on which nothing durable is said: whoever does loses it. */
export function requestsOnly(handlers: Pick<LinkHandlers, 'onUp' | 'onDown' | 'onRequest'>): LinkHandlers {
  return {
    onUp: (link) => handlers.onUp(link),
    onDown: (link, reason) => handlers.onDown(link, reason),
    onRequest: (link, request) => handlers.onRequest(link, request),
    onMessage: refuseDurable,
    onAcknowledged: refuseDurable,
  };
}

/** The names links of a server that are up. */
export class NameLinks {
  readonly #of_node = new Map<string, Set<ControlSession>>();

  /** Opens an authenticated session beside the others of its node. */
  admit(session: ControlSession): void {
    const { node } = session.peer;
    const links = this.#of_node.get(node) ?? new Set<ControlSession>();
    this.#of_node.set(node, links);
    links.add(session);
    const [oldest] = links;
    if (links.size > name_links_max) {
      oldest?.close(
        new IcbdError('LinkLost', `more than ${String(name_links_max)} links for names of the same node`, {
          operation: 'names link',
          subject: node,
        }).toReport(),
      );
    }
    session.open();
  }

  /** A session ended by itself. */
  remove(session: ControlSession): void {
    const { node } = session.peer;
    const links = this.#of_node.get(node);
    links?.delete(session);
    if (links?.size === 0) this.#of_node.delete(node);
  }

  closeAll(reason: ErrorReport): void {
    for (const links of this.#of_node.values()) for (const session of links) session.close(reason);
  }
}
