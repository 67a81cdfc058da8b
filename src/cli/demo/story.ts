import { type CliContext, viewOf } from '../context.js';
import { formatDuration } from '../render/units.js';
import { type Style, type View, styled } from '../render/view.js';

/** What the demo tells, step by step, with the time since it began. */
export class Story {
  readonly context: CliContext;
  readonly #started_ms: number;
  #step = 0;

  constructor(context: CliContext) {
    this.context = context;
    this.#started_ms = context.clock.now();
  }

  get view(): View {
    return viewOf(this.context, this.context.stdout);
  }

  /** Ms since the demo began. */
  elapsedMs(): number {
    return this.context.clock.now() - this.#started_ms;
  }

  heading(text: string): void {
    this.#step += 1;
    const elapsed = `${(this.elapsedMs() / 1_000).toFixed(1)} s`.padStart(7);
    const { view } = this;
    this.raw(`\n${styled(elapsed, 'dim', view)}  ${styled(`${this.#step}. ${text}`, 'bold', view)}\n`);
  }

  line(text: string, style?: Style): void {
    this.raw(`         ${styled(text, style, this.view)}\n`);
  }

  /** The command with which an operator would do the same. */
  sameAs(command: string): void {
    this.line(`same as: icbdrep ${command}`, 'dim');
  }

  /** Runs one part and tells how long it took. */
  async timed<T>(text: string, work: () => Promise<T>): Promise<T> {
    const started_ms = this.context.clock.now();
    const result = await work();
    this.line(`${text} (${formatDuration(this.context.clock.now() - started_ms)})`);
    return result;
  }

  /** Text that is laid out already. */
  raw(text: string): void {
    this.context.stdout.write(text);
  }
}
