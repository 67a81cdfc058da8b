/** A process that starts a child and waits to be killed; prints the child's pid and start time. */
import { startChild } from '../../../src/pipeline/child.js';

const child = startChild({ program: 'sleep', args: ['600'], stdin: 'none', stdout: 'none' });
process.stdout.write(`${child.pid} ${child.start_time}\n`);
setInterval(() => undefined, 60_000);
