import { IcbdError, type ErrorReport } from '../core/errors.js';
import type { ControlSession } from './control_session.js';

/** The control links that are up, one for each node. */
export class ControlRegistry {
  readonly #sessions = new Map<string, ControlSession>();

  /** Opens an authenticated session. An older one of the same node is down before the new one is up. */
  admit(session: ControlSession): void {
    const { node } = session.peer;
    this.#sessions.get(node)?.close(
      new IcbdError('LinkLost', 'a newer link of the same node took its place', {
        operation: 'control link',
        subject: node,
        hint: 'if this repeats, two machines use the same node name and secret',
      }).toReport(),
    );
    this.#sessions.set(node, session);
    session.open();
  }

  /** A session ended by itself. */
  remove(session: ControlSession): void {
    if (this.#sessions.get(session.peer.node) === session) this.#sessions.delete(session.peer.node);
  }

  closeAll(reason: ErrorReport): void {
    for (const session of this.#sessions.values()) session.close(reason);
  }
}
