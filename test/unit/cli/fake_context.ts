/** A process for `runCli` to run in, with what it printed. */
import type { CliContext, Output } from '../../../src/cli/context.js';
import { runCli } from '../../../src/cli/program.js';

export interface FakeContext extends CliContext {
  readonly printed: { out: string; err: string };
  /** As Ctrl-C. */
  interrupt(): void;
  /** Caught and not yet released. */
  readonly caught: () => number;
}

export interface FakeContextOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Columns of the terminal on stdout and stderr; default: none is one. */
  readonly columns?: number;
  /** How many times faster than the real one the clock runs. */
  readonly speed?: number;
  /** What is answered on the terminal; default: there is none. */
  readonly answer?: string;
}

export function fakeContext({ env = {}, columns, speed = 1, answer }: FakeContextOptions = {}): FakeContext {
  const printed = { out: '', err: '' };
  const terminal = columns === undefined ? null : { columns, rows: 24 };
  const output = (name: 'out' | 'err'): Output => ({
    write: (text) => {
      printed[name] += text;
    },
    terminal: () => terminal,
  });
  const controllers = new Set<AbortController>();
  const started_ms = Date.now();
  return {
    env,
    version: '1.2.3',
    clock: {
      now: () => started_ms + (Date.now() - started_ms) * speed,
      after: (delay_ms, work) => {
        const timer = setTimeout(work, delay_ms / speed);
        return () => clearTimeout(timer);
      },
    },
    stdout: output('out'),
    stderr: output('err'),
    catchInterrupt: () => {
      const controller = new AbortController();
      controllers.add(controller);
      return { signal: controller.signal, release: () => controllers.delete(controller) };
    },
    ask: async (question) => {
      if (answer === undefined) return null;
      printed.err += question;
      return answer;
    },
    printed,
    interrupt: () => {
      for (const controller of controllers) controller.abort('SIGINT');
    },
    caught: () => controllers.size,
  };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line against the daemon on `socket`. */
export async function run(
  socket: string,
  argv: readonly string[],
  options?: FakeContextOptions,
): Promise<Ran> {
  const context = fakeContext(options);
  const code = await runCli([...argv, '--socket', socket], context);
  return { code, ...context.printed };
}
