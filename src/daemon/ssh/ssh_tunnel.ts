/** The ssh tunnel of a replica to its master: started, watched, and started again. */
import { rm } from 'node:fs/promises';
import { backoff_ms, type BackoffPolicy } from '../../core/backoff.js';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { TunnelReport } from '../../core/tunnel_report.js';
import type { ChildRegistry } from '../child_registry.js';
import { checkFiles, claimDirectory } from './own_files.js';
import {
  type SocketPlace,
  type SshServer,
  type TunnelTarget,
  showServer,
  showTarget,
} from './ssh_command.js';
import { SshRun } from './ssh_run.js';

const restart_policy: BackoffPolicy = { first_ms: 200, factor: 2, max_ms: 30_000 };
/** A tunnel that stood for this long starts the waiting times anew. */
const good_run_ms = 10_000;
/** What only an operator can put right is tried at the slowest rate. */
const hopeless_failures = 60;

/** What is worth a line in the log: changes only. */
export type TunnelLog =
  | { readonly kind: 'up'; readonly target: string; readonly pid: number | null; readonly restarts: number }
  | { readonly kind: 'blocked'; readonly error: IcbdError }
  | { readonly kind: 'failed'; readonly error: IcbdError };

export interface SshTunnelOptions {
  readonly server: SshServer;
  readonly key_file: string;
  readonly known_hosts_file: string;
  readonly place: SocketPlace;
  readonly children: Pick<ChildRegistry, 'start'>;
  readonly clock: Clock;
  /** This node's name: spreads the nodes that lost the same server together. */
  readonly key: string;
  readonly log: (entry: TunnelLog) => void;
}

export class SshTunnel {
  readonly #options: SshTunnelOptions;
  #state: TunnelReport['state'] = 'idle';
  #since_ms: number;
  #target: TunnelTarget | undefined;
  #run: SshRun | undefined;
  /** Why it is not up, or why connections do not get through although it is. */
  #error: IcbdError | undefined;
  #logged: string | undefined;
  #failures = 0;
  /** Looks in a row at which nothing got through a tunnel that stands. */
  #blocks = 0;
  #cancelLook: (() => void) | undefined;
  #runs = 0;
  #loop: Promise<void> | undefined;
  #onChange: (() => void)[] = [];
  #wake: () => void = () => undefined;

  constructor(options: SshTunnelOptions) {
    this.#options = options;
    this.#since_ms = options.clock.now();
  }

  get report(): TunnelReport {
    const { server } = this.#options;
    return {
      via: showServer(server),
      target: this.#target === undefined ? '' : showTarget(this.#target),
      state: this.#state,
      since_ms: this.#since_ms,
      restarts: Math.max(0, this.#runs - 1),
      pid: this.#run?.pid ?? null,
      error: this.#error?.toReport() ?? null,
    };
  }

  /** Starts it, and keeps it up; one that leads elsewhere is made anew. */
  start(target: TunnelTarget): void {
    if (this.#state === 'stopped') return;
    const is_same = this.#target !== undefined && showTarget(this.#target) === showTarget(target);
    if (is_same) return;
    this.#target = target;
    if (this.#loop === undefined) {
      this.#loop = this.#keepUp();
      return;
    }
    this.#enter('starting');
    this.#wake();
    this.#run?.stop(this.#errorOf('Interrupted', `the master is at ${showTarget(target)} now`));
  }

  /**
   * Waits while it is being started.
   * @returns path of the unix socket that leads to the target
   * @throws IcbdError `TunnelFailed`, `ProgramNotFound`: why it is not up; `Interrupted` after `stop`
   */
  async ready(target: TunnelTarget): Promise<string> {
    this.start(target);
    while (this.#state === 'starting') await this.#change();
    if (this.#state === 'up' && this.#error !== undefined) await this.#checkAgain();
    if (this.#state === 'up' && this.#error === undefined) return this.#options.place.socket_path;
    throw this.#error ?? this.#errorOf('Interrupted', 'the tunnel was stopped');
  }

  /** Ends ssh; no link goes through any more. */
  async stop(): Promise<void> {
    this.#error = undefined;
    this.#enter('stopped');
    this.#wake();
    this.#run?.stop(this.#errorOf('Interrupted', 'the node stops'));
    await this.#loop;
    const { socket_path, own_directory } = this.#options.place;
    await rm(own_directory ?? socket_path, { recursive: own_directory !== undefined, force: true });
  }

  get #is_stopped(): boolean {
    return this.#state === 'stopped';
  }

  #errorOf(code: 'Interrupted' | 'TunnelFailed', message: string): IcbdError {
    return new IcbdError(code, message, {
      operation: 'ssh tunnel',
      subject: showServer(this.#options.server),
    });
  }

  #enter(state: TunnelReport['state']): void {
    this.#state = state;
    this.#since_ms = this.#options.clock.now();
    for (const tell of this.#onChange.splice(0)) tell();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#onChange.push(resolve));
  }

  /** Never rejects. */
  async #keepUp(): Promise<void> {
    const { clock, key } = this.#options;
    for (;;) {
      this.#enter('starting');
      const target = this.#target as TunnelTarget;
      const { error, up_ms } = await this.#runOnce(target);
      if (this.#is_stopped) return;
      if (target !== this.#target) continue;
      this.#failures = up_ms >= good_run_ms ? 1 : this.#failures + 1;
      this.#error = error;
      this.#enter('waiting');
      this.#log('failed', error);
      const failures = error.retryable ? this.#failures : hopeless_failures;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(backoff_ms(failures, key, restart_policy), resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
      // stop() and start() may have come while it waited.
      if (this.#is_stopped) return;
    }
  }

  /** One run of ssh, to its end. */
  async #runOnce(target: TunnelTarget): Promise<{ readonly error: IcbdError; readonly up_ms: number }> {
    const { clock } = this.#options;
    let up_at_ms: number | undefined;
    try {
      const run = await this.#startRun(target);
      const blocked = await run.open();
      if (blocked !== undefined && !this.#is_stopped && target === this.#target) {
        up_at_ms = clock.now();
        this.#error = blocked ?? undefined;
        this.#enter('up');
        this.#logUp(run);
        if (blocked !== null) this.#lookLater(blocked);
      }
      const error = await run.ended;
      return { error, up_ms: up_at_ms === undefined ? 0 : clock.now() - up_at_ms };
    } catch (thrown) {
      return { error: IcbdError.from(thrown, 'ssh tunnel', showServer(this.#options.server)), up_ms: 0 };
    } finally {
      this.#run = undefined;
      this.#forgetLook();
    }
  }

  async #startRun(target: TunnelTarget): Promise<SshRun> {
    const { server, key_file, known_hosts_file, place, children, clock } = this.#options;
    const { socket_path, own_directory } = place;
    await checkFiles(key_file, known_hosts_file);
    if (own_directory !== undefined) await claimDirectory(own_directory);
    // One that a killed ssh has left would only be in the way.
    await rm(socket_path, { force: true });
    const is_wanted = !this.#is_stopped && target === this.#target;
    if (!is_wanted) throw this.#errorOf('Interrupted', 'it is not wanted any more');
    const run = new SshRun(
      { server, key_file, known_hosts_file, socket_path, target },
      {
        children,
        clock,
        onForwardFailed: (error) => {
          if (this.#run === run && this.#state === 'up') this.#block(error);
        },
      },
    );
    this.#run = run;
    this.#runs += 1;
    return run;
  }

  async #checkAgain(): Promise<void> {
    const run = this.#run;
    const error = await run?.check();
    if (run === undefined || run !== this.#run || this.#state !== 'up') return;
    if (error !== null && error !== undefined) {
      this.#block(error);
      return;
    }
    this.#error = undefined;
    this.#forgetLook();
    this.#logUp(run);
  }

  #block(error: IcbdError): void {
    this.#error = error;
    this.#log('blocked', error);
    this.#lookLater(error);
  }

  /** Where links go through the tunnel only now and then, nobody else would find out that it is open again. */
  #lookLater(error: IcbdError): void {
    this.#cancelLook?.();
    this.#blocks += 1;
    const { clock, key } = this.#options;
    const wait_ms = backoff_ms(error.retryable ? this.#blocks : hopeless_failures, key, restart_policy);
    this.#cancelLook = clock.after(wait_ms, () => void this.#checkAgain());
  }

  #forgetLook(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    this.#blocks = 0;
  }

  #logUp(run: SshRun): void {
    if (this.#error !== undefined) {
      this.#log('blocked', this.#error);
      return;
    }
    this.#logged = undefined;
    const { target, restarts } = this.report;
    this.#options.log({ kind: 'up', target, pid: run.pid, restarts });
  }

  /** The same again is no news. */
  #log(kind: 'blocked' | 'failed', error: IcbdError): void {
    const news = `${kind} ${error.message}`;
    if (news === this.#logged) return;
    this.#logged = news;
    this.#options.log({ kind, error });
  }
}
