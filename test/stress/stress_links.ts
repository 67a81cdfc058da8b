/** The stress run as it is meant: a real name server, real links, and a crash in the end. */
import { type StressReport, clientNames, runStress } from './run_stress.js';
import { StressServer } from './server.js';

export interface StressRun {
  readonly clients: number;
  readonly seconds: number;
  readonly seed: number;
  /** Names that are registered first and stay. */
  readonly fixed: number;
  readonly signal?: AbortSignal;
  readonly say: (line: string) => void;
}

export interface StressRunReport extends Omit<StressReport, 'faultOfNames'> {
  /** One line for each thing that is not as it must be. */
  readonly problems: readonly string[];
  /** There in the end, the server's own entry with them. */
  readonly names: number;
}

/**
 * Runs it, kills the name server, starts it again, and compares what it kept. Removes all that it made.
 * @throws Error when it cannot be set up, or a link is lost
 */
export async function stressLinks(options: StressRun): Promise<StressRunReport> {
  const { clients, seconds, seed, fixed, signal, say } = options;
  const server = await StressServer.start(clientNames(clients));
  const problems: string[] = [];
  try {
    const services = await server.connectAll((node, reason) => problems.push(`link of ${node}: ${reason}`));
    say(`${clients} clients are connected; ${fixed} names are registered first`);
    const report = await runStress({ services, seconds, seed, fixed, ...(signal ? { signal } : {}) });
    const { faultOfNames, ...rest } = report;
    if (report.wrong !== undefined) {
      const { client, call, expected, got } = report.wrong;
      problems.push(`${client} called ${call}\n  expected: ${expected}\n  got:      ${got}`);
      return { ...rest, problems, names: 0 };
    }
    server.closeLinks();
    await server.kill();
    await server.launch();
    const names = await server.client.names.list();
    const fault = faultOfNames(names);
    if (fault !== undefined) problems.push(`after a crash: ${fault}`);
    return { ...rest, problems, names: names.length };
  } finally {
    await server.dispose();
  }
}
