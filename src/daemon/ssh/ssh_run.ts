/** One run of the ssh client. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { Child } from '../../pipeline/child.js';
import { withinTime } from '../../pipeline/within_time.js';
import type { ChildRegistry } from '../child_registry.js';
import { type Probed, probe } from './probe.js';
import { type SshCommand, showServer, sshArguments } from './ssh_command.js';
import { errorOfEnd, errorOfForward, forward_failed } from './ssh_errors.js';
import { SshWords } from './ssh_words.js';

/** Time for ssh to log in and make its socket: connecting alone may take 10 s. */
const login_ms = 30_000;
/** Time for the target to give a sign of life through the tunnel. */
const answer_ms = 10_000;
const poll_ms = 20;
/** What ssh says is heard a little later than what it does is seen. */
const words_ms = 1_000;

export interface SshRunOptions {
  readonly children: Pick<ChildRegistry, 'start'>;
  readonly clock: Clock;
  /** A connection did not get through; ssh itself goes on. */
  readonly onForwardFailed: (error: IcbdError) => void;
}

export class SshRun {
  /** Why it ended; never rejects. */
  readonly ended: Promise<IcbdError>;
  readonly #command: SshCommand;
  readonly #clock: Clock;
  readonly #child: Child;
  readonly #words: SshWords;
  #has_ended = false;
  /** What ssh said last of a connection that did not get through. */
  #forward_said: string | undefined;
  #onForwardSaid: () => void = () => undefined;

  /** @throws IcbdError `ProgramNotFound` */
  constructor(command: SshCommand, options: SshRunOptions) {
    this.#command = command;
    this.#clock = options.clock;
    this.#child = options.children.start('ssh tunnel', {
      program: 'ssh',
      args: sshArguments(command),
      // What it says is wanted while it runs; with -N nothing else comes that way.
      wrapper: ['/bin/sh', '-c', 'exec "$@" 2>&1', 'sh'],
      stdin: 'none',
      stdout: 'pipe',
    });
    this.#words = new SshWords(this.#child.stdout ?? [], (line) => {
      if (!forward_failed.test(line)) return;
      this.#forward_said = line;
      this.#onForwardSaid();
      options.onForwardFailed(errorOfForward(line, command));
    });
    this.ended = this.#watch();
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /**
   * Waits until it has logged in and its socket leads somewhere.
   * @returns `undefined` if it ended before; else why connections do not get through, or null if they do
   */
  async open(): Promise<IcbdError | null | undefined> {
    const end_ms = this.#clock.now() + login_ms;
    for (;;) {
      const probed = await this.#probe();
      if (this.#has_ended) return undefined;
      if (probed !== 'absent') return this.#explain(probed);
      if (this.#clock.now() > end_ms) this.#giveUp();
      await sleep(poll_ms);
    }
  }

  /** Why connections do not get through now; null if they do. */
  async check(): Promise<IcbdError | null> {
    this.#forward_said = undefined;
    return this.#explain(await this.#probe());
  }

  stop(reason: IcbdError): void {
    this.#child.stop(reason.toReport());
  }

  #probe(): Promise<Probed> {
    const { socket_path, target } = this.#command;
    return Promise.race([
      probe(socket_path, target.is_tls, answer_ms),
      this.ended.then((): Probed => 'closed'),
    ]);
  }

  async #explain(probed: Probed): Promise<IcbdError | null> {
    if (probed === 'answered') return null;
    if (probed === 'closed') await this.#untilForwardSaid();
    const own_words = probed === 'silent' ? 'no sign of life from there' : 'the connection ended at once';
    return errorOfForward(this.#forward_said ?? own_words, this.#command);
  }

  async #untilForwardSaid(): Promise<void> {
    if (this.#forward_said !== undefined) return;
    const said = new Promise<void>((resolve) => {
      this.#onForwardSaid = resolve;
    });
    await withinTime(said, words_ms, this.#clock);
  }

  #giveUp(): void {
    const { server } = this.#command;
    const message = `ssh did not log in within ${login_ms / 1_000} s`;
    this.stop(
      new IcbdError('TunnelFailed', message, { operation: 'ssh tunnel', subject: showServer(server) }),
    );
  }

  async #watch(): Promise<IcbdError> {
    const end = await this.#child.finished;
    this.#has_ended = true;
    // A process of ssh's own may hold the pipe open.
    await withinTime(this.#words.finished, words_ms, this.#clock);
    this.#child.stdout?.destroy();
    const { stop_reason } = this.#child;
    return stop_reason === undefined
      ? errorOfEnd(end, this.#words.lines, this.#command)
      : IcbdError.fromReport(stop_reason);
  }
}
