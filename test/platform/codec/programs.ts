/** Real programs with bytes through them. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { findProgram } from '../../../src/pipeline/program.js';
import { collect } from '../../unit/stream_codecs/support.js';

export const icbdrep = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Fails with one line if a program that the tests need is not here. */
export function needPrograms(...programs: readonly string[]): void {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length > 0)
    throw new Error(`missing: ${missing.join(', ')}; npm test installs them, see scripts/test`);
}

/** What came out of a process that has its input already. */
export async function resultOf(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  const [stdout, stderr, [code, signal]] = await Promise.all([
    collect(child.stdout),
    collect(child.stderr),
    once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { code, signal, stdout, stderr: stderr.toString() };
}

export async function run(program: string, args: readonly string[], input: Buffer): Promise<Ran> {
  const child = spawn(program, args);
  // A program that refuses its input may end before it has read it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return await resultOf(child);
}

/** What a program makes of the input; fails if the program does. */
export async function pass(program: string, args: readonly string[], input: Buffer): Promise<Buffer> {
  const { code, stdout, stderr } = await run(program, args, input);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/** `icbdrep codec` as a process. */
export function codec(args: readonly string[], input: Buffer): Promise<Ran> {
  return run(process.execPath, [icbdrep, 'codec', ...args], input);
}
