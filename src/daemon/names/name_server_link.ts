/** Keeps a link up to the name server, wherever it is. */
import { type ErrorCode, IcbdError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { ControlLink } from '../../core/link.js';
import { redialWait } from '../../transport/redial.js';
import { type DiscoverOptions, type PassedOver, findNameServer } from './discover.js';
import type { NameKeeperLog } from './name_keeper.js';
import { type NameIdentity, openNamesLink } from './name_server_open.js';

/** A link that was up for this long starts the waiting times anew. */
const good_link_ms = 10_000;

export interface NameServerLinkOptions {
  readonly identity: NameIdentity;
  readonly where: Pick<DiscoverOptions, 'server' | 'near'>;
  readonly onUp: (link: ControlLink) => void;
  readonly onDown: (link: ControlLink) => void;
  readonly log: NameKeeperLog & { debug(fields: object, message: string): void };
}

interface Waiter {
  onUp(link: ControlLink): void;
  onFailed(error: IcbdError): void;
}

/** It is somebody, and not who was looked for. */
const notable = new Set(['AuthenticationFailed', 'ProtocolVersionMismatch', 'NotPermitted']);

export class NameServerLink {
  readonly #options: NameServerLinkOptions;
  readonly #said = new Map<string, string>();
  readonly #waiters = new Set<Waiter>();
  #link: ControlLink | undefined;
  #running: AbortController | undefined;
  #wake: () => void = () => undefined;
  #failures = 0;
  #last_failure: ErrorCode = 'LinkLost';

  constructor(options: NameServerLinkOptions) {
    this.#options = options;
  }

  get link(): ControlLink | undefined {
    return this.#link;
  }

  /** Looks for the name server from now on; does nothing if it does so already. */
  start(): void {
    if (this.#running !== undefined) return;
    const running = new AbortController();
    this.#running = running;
    void this.#run(running.signal);
  }

  /** Ends the link, with `onDown`, and looks no more. */
  stop(): void {
    const running = this.#running;
    this.#running = undefined;
    running?.abort();
    this.#wake();
    const reason = new IcbdError('Interrupted', 'the link to the name server is not wanted any more', {
      operation: 'names link',
    });
    this.#tell((waiter) => waiter.onFailed(reason));
  }

  /**
   * The link, as soon as it is up; an attempt that waits for its time is made at once.
   * @throws IcbdError `LinkLost` that says where it was looked for, `TimedOut`, `Interrupted`
   */
  untilUp(timeout_ms: number = limits.request_ms): Promise<ControlLink> {
    this.start();
    if (this.#link !== undefined) return Promise.resolve(this.#link);
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#waiters.delete(waiter);
        cancel();
        act();
      };
      const waiter: Waiter = {
        onUp: (link) => settle(() => resolve(link)),
        onFailed: (error) => settle(() => reject(error)),
      };
      const cancel = this.#options.identity.clock.after(timeout_ms, () => {
        const message = `no name server was found in ${String(timeout_ms)} ms`;
        waiter.onFailed(new IcbdError('TimedOut', message, { operation: 'find name server' }));
      });
      this.#waiters.add(waiter);
      this.#wake();
    });
  }

  #tell(act: (waiter: Waiter) => void): void {
    this.#waiters.forEach(act);
  }

  /** Never rejects. */
  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#useOne(signal);
      } catch (thrown) {
        if (signal.aborted) return;
        this.#failures += 1;
        const error = IcbdError.from(thrown, 'find name server');
        this.#last_failure = error.code;
        this.#say('name server', error, 'warn');
        this.#tell((waiter) => waiter.onFailed(error));
      }
      if (!signal.aborted) await this.#rest();
    }
  }

  /** Finds one, and keeps its link until that ends. @throws IcbdError if there is none */
  async #useOne(signal: AbortSignal): Promise<void> {
    const { identity, where, onUp, onDown, log } = this.#options;
    const { tls_ca, clock, randomBytes } = identity;
    const looking = { ...where, wants_tls: tls_ca !== undefined, clock, randomBytes };
    const { link, ended, close } = await findNameServer(
      looking,
      (candidate) => openNamesLink(identity, candidate, signal),
      (one) => this.#passOver(one),
      signal,
    );
    const up_at_ms = clock.now();
    this.#link = link;
    this.#said.clear();
    log.info({ name_server: link.peer.node, address: link.peer.address }, 'name server found');
    onUp(link);
    this.#tell((waiter) => waiter.onUp(link));
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    const reason = await ended;
    signal.removeEventListener('abort', close);
    close();
    if (this.#link === link) this.#link = undefined;
    this.#failures = clock.now() - up_at_ms >= good_link_ms ? 1 : this.#failures + 1;
    this.#last_failure = reason.code;
    const who = { name_server: link.peer.node };
    if (signal.aborted) log.debug(who, 'link to the name server closed: it is not needed');
    else log.info({ ...who, reason: reason.message }, 'link to the name server down');
    onDown(link);
  }

  #passOver({ where, error }: PassedOver): void {
    this.#say(where, error, notable.has(error.code) ? 'warn' : 'debug');
  }

  /** Only what is news: a name server may be away for days. */
  #say(where: string, error: IcbdError, level: 'warn' | 'debug'): void {
    if (this.#said.get(where) === error.message) return;
    this.#said.set(where, error.message);
    const message =
      where === 'name server' ? 'no name server; goes on looking' : 'passed over as name server';
    this.#options.log[level]({ where, error: error.toReport() }, message);
  }

  /** Until it is time for the next attempt, or somebody needs it now. */
  #rest(): Promise<void> {
    const { clock, randomBytes: random } = this.#options.identity;
    const wait_ms = redialWait(this.#failures, this.#last_failure, random(4).readUInt32LE() / 2 ** 32);
    return new Promise((resolve) => {
      const cancel = clock.after(wait_ms, () => this.#wake());
      this.#wake = () => {
        this.#wake = () => undefined;
        cancel();
        resolve();
      };
    });
  }
}
