/** `npm run chaos -- [--minutes N] [--seed S] [--tls] [--keep]` */
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describeReport, runChaos } from './run_chaos.js';

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string' },
    tls: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const seed = Number(flags.seed ?? Date.now() % 1_000_000);
const minutes = Number(flags.minutes);
if (!Number.isInteger(seed) || !(minutes > 0)) {
  process.stderr.write('usage: npm run chaos -- [--minutes N] [--seed WHOLE_NUMBER] [--tls] [--keep]\n');
  process.exit(2);
}
const started_ms = performance.now();
const say = (line: string): void => {
  const elapsed_s = (performance.now() - started_ms) / 1_000;
  process.stdout.write(`chaos ${elapsed_s.toFixed(0).padStart(4)} s: ${line}\n`);
};

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort());
const keep_directory = path.join(tmpdir(), `icbdrep-chaos-${seed}`);
const again = `npm run chaos -- --minutes ${minutes} --seed ${seed}${flags.tls ? ' --tls' : ''}`;

say(`${minutes} minutes, seed ${seed}`);
try {
  const options = { seconds: minutes * 60, seed, tls: flags.tls, say, signal: interrupt.signal };
  const report = await runChaos({ ...options, ...(flags.keep ? { keep_directory } : {}) });
  describeReport(report).forEach(say);
  if (flags.keep) say(`logs and state databases: ${keep_directory}`);
  if (report.problems.length > 0) {
    say(`FAILED; again: ${again}`);
    process.exitCode = 1;
  } else {
    say('every transfer completed, and every copy is identical');
  }
} catch (error) {
  if (interrupt.signal.aborted) say('interrupted; everything is removed');
  else say(`FAILED: ${error instanceof Error ? error.message : String(error)}; again: ${again}`);
  process.exitCode = 1;
}
