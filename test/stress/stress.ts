/** `npm run stress -- [--clients N] [--seconds N] [--names N] [--seed N] [--json]` */
import { parseArgs } from 'node:util';
import { describeRates } from './rates.js';
import { stressLinks } from './stress_links.js';

const usage = 'usage: npm run stress -- [--clients N] [--seconds N] [--names N] [--seed N] [--json]\n';
const { values: flags } = parseArgs({
  options: {
    clients: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '20' },
    /** Names that are registered first and stay. */
    names: { type: 'string', default: '500' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const seed = Number(flags.seed ?? Date.now() % 1_000_000);
const [clients, seconds, fixed] = [Number(flags.clients), Number(flags.seconds), Number(flags.names)];
const is_valid =
  Number.isInteger(clients) && clients >= 2 && clients <= 1_000 && seconds > 0 && Number.isInteger(seed);
if (!is_valid || !Number.isInteger(fixed) || fixed < 0) {
  process.stderr.write(usage);
  process.exit(2);
}
const say = (line: string): void => {
  process.stderr.write(`stress: ${line}\n`);
};
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort());

say(`${clients} clients for ${seconds} s, seed ${seed}`);
const { signal } = interrupt;
const {
  problems,
  rates,
  calls,
  names,
  seconds: took_s,
} = await stressLinks({
  clients,
  seconds,
  seed,
  fixed,
  signal,
  say,
});
const per_s = calls / took_s;
if (flags.json) {
  process.stdout.write(
    `${JSON.stringify({ seed, clients, seconds: took_s, calls, per_s, names, rates, problems })}\n`,
  );
} else {
  for (const line of describeRates(rates)) process.stdout.write(`${line}\n`);
  process.stdout.write(`${calls} calls in ${took_s.toFixed(1)} s: ${per_s.toFixed(0)} per s\n`);
}
for (const problem of problems) say(`WRONG: ${problem}`);
if (problems.length > 0) {
  say(
    `FAILED; again: npm run stress -- --clients ${clients} --seconds ${seconds} --names ${fixed} --seed ${seed}`,
  );
  process.exitCode = 1;
} else {
  say(`every answer was right, and after a crash of the name server all ${names} names were there`);
}
