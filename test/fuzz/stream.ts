/**
 * Changed streams into everything that reads streams: it must end with a parse or a typed error, soon, and holding
 * no more than a command.
 *
 *   npx tsx test/fuzz/stream.ts --seconds 60 [--seed 7]
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { StreamVersion } from '../../src/core/codecs.js';
import { IcbdError } from '../../src/core/errors.js';
import { commandCrc } from '../../src/stream/crc.js';
import { type Command, CommandReader } from '../../src/stream/command_reader.js';
import { decodeCommand } from '../../src/stream/decode_command.js';
import { Firewall } from '../../src/stream/firewall.js';
import { HeadRewriter } from '../support/head_rewriter.js';
import { shownName } from '../../src/stream/shown_name.js';
import { writeStreamHeader } from '../../src/stream/stream_header.js';
import { TailHolder } from '../../src/stream/tail_holder.js';
import { type CommandName, command_table } from '../../src/stream/command_table.js';
import type { StreamCommand } from '../../src/stream/decode_command.js';
import { commandsOf, encodeCommand } from '../unit/stream/any_command.js';
import { sample_clone_uuid, sample_uuid } from '../unit/stream/sample_stream.js';

export interface FuzzReport {
  readonly seed: number;
  readonly cases: number;
  /** How they ended: `parsed`, or a code of an error. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly slowest_ms: number;
}

/** A small generator of its own: the same seed gives the same cases on every machine (mulberry32). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(most: number): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * most);
  }

  pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.below(values.length)] ?? values[0];
  }

  bytes(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(most + 1) }, () => this.below(256)));
  }
}

const interesting = [
  0n,
  1n,
  255n,
  4096n,
  131_072n,
  2n ** 31n,
  2n ** 32n,
  2n ** 63n - 1n,
  2n ** 64n - 1n,
] as const;

function anyField(dice: Dice, field: string, name: CommandName): unknown {
  const path = (): Buffer =>
    dice.below(12) === 0
      ? dice.bytes(40)
      : Buffer.from(dice.pick(['a', 'b', 'a/b', 'a/b/c', 'd', '', '..', '/etc', 'a//b', 'x\0y']));
  if (field === 'path' && (name === 'subvol' || name === 'snapshot')) return Buffer.from('vm');
  if (field.startsWith('path') || field === 'clone_path') return path();
  if (field === 'uuid') return sample_uuid;
  if (field === 'clone_uuid') return dice.pick([sample_uuid, sample_clone_uuid]);
  if (field.endsWith('time'))
    return { seconds: dice.pick([0n, -1n, 2n ** 40n]), nanoseconds: dice.below(2 ** 32) };
  if (field === 'data') return Buffer.alloc(dice.pick([0, 1, 4096, 49_000]));
  if (/name|data/.test(field)) return dice.bytes(60);
  if (['fallocate_mode', 'compression', 'encryption', 'verity_block_size'].includes(field))
    return dice.below(10);
  return field === 'verity_algorithm' ? dice.below(256) : dice.pick(interesting);
}

function anyCommand(dice: Dice, name: CommandName): StreamCommand {
  const { required, optional } = command_table[name];
  const fields = [...required, ...optional.filter(() => dice.below(2) === 0)];
  return Object.fromEntries([
    ['command', name],
    ...fields.map((field) => [field, anyField(dice, field, name)]),
  ]) as StreamCommand;
}

/** A valid stream as its pieces: header, commands, END. */
function anyStream(dice: Dice): Buffer[] {
  const version = dice.pick<StreamVersion>([1, 2]);
  const [first = 'mkfile', ...others] = commandsOf(version).filter((name) => name !== 'end');
  const names: CommandName[] = [dice.pick(['subvol', 'snapshot'])];
  for (let count = dice.below(20); count > 0; count -= 1) names.push(dice.pick([first, ...others]));
  const commands = [...names, 'end' as const].map((name) => encodeCommand(anyCommand(dice, name), version));
  return [writeStreamHeader(version), ...commands];
}

/** So that what is behind the CRC is reached too. */
function repairCrc(command: Buffer): void {
  if (command.length >= 10) command.writeUInt32LE(commandCrc(command), 6);
}

/** Changes one piece in place, or gives another for it. */
function mutate(dice: Dice, piece: Buffer): Buffer {
  const changed = Buffer.from(piece);
  const at = dice.below(Math.max(1, changed.length));
  switch (dice.below(7)) {
    case 0:
      if (changed.length > 0) changed[at] = (changed[at] ?? 0) ^ (1 << dice.below(8));
      return changed;
    case 1:
      if (changed.length > 0) changed[at] = dice.pick([0, 1, 0x7f, 0x80, 0xff]);
      return changed;
    case 2: {
      const width = dice.pick([1, 2, 4]);
      if (changed.length >= 4) changed.writeUIntLE(dice.below(256 ** width), 0, width);
      return changed;
    }
    case 3:
      if (changed.length >= 6)
        changed.writeUInt16LE(dice.below(40), dice.pick([4, Math.min(10, changed.length - 2)]));
      return changed;
    case 4:
      return changed.subarray(0, at);
    case 5:
      return Buffer.concat([changed.subarray(0, at), dice.bytes(30), changed.subarray(at)]);
    default:
      return Buffer.concat([changed, changed]);
  }
}

function anyCase(dice: Dice): Buffer {
  const pieces = anyStream(dice);
  for (let count = dice.below(4); count > 0; count -= 1) {
    const index = dice.below(pieces.length);
    const changed = mutate(dice, pieces[index] ?? Buffer.alloc(0));
    if (index > 0 && dice.below(3) > 0) {
      if (changed.length >= 10 && dice.below(2) === 0) changed.writeUInt32LE(changed.length - 10, 0);
      repairCrc(changed);
    }
    if (dice.below(8) === 0) pieces.splice(index, 1);
    else pieces[index] = changed;
  }
  const stream = Buffer.concat(pieces);
  return dice.below(10) === 0 ? stream.subarray(0, dice.below(stream.length + 1)) : stream;
}

/** Reads it in pieces of any size, in all ways there are. */
function readOnce(dice: Dice, stream: Buffer): void {
  const rules = { name: 'vm', sources: new Set([sample_clone_uuid]), special_files_max: 10 };
  const firewall = dice.below(2) === 0 ? new Firewall(rules) : undefined;
  const use = (command: Command): void => {
    const fields = firewall === undefined ? decodeCommand(command) : firewall.check(command);
    if ('path' in fields) shownName(fields.path);
  };
  const [reader, head, tail] = [new CommandReader(), new HeadRewriter('hidden'), new TailHolder()];
  const largest = dice.pick([1, 20, 1_000, 100_000]);
  const is_rewritten = dice.below(2) === 0;
  const take = (part: Buffer): void => {
    for (const command of reader.push(part)) use(command);
  };
  for (let at = 0; at < stream.length; ) {
    const piece = stream.subarray(at, at + 1 + dice.below(largest));
    at += piece.length;
    for (const part of is_rewritten ? head.push(piece).flatMap((one) => tail.push(one)) : [piece]) take(part);
  }
  if (is_rewritten) {
    head.finish();
    take(tail.finish());
  }
  reader.finish();
}

/** Memory of buffers above where it started; with any leak it grows case by case. */
const held_bytes_max = 256 * 1024 * 1024;
const case_ms_max = 2_000;

/**
 * Runs cases until the time is over.
 * @throws Error with seed and number of the first case that ends in another way than it may
 */
export function fuzzStreams(seed: number, duration_ms: number): FuzzReport {
  const outcomes: Record<string, number> = {};
  const started_ms = performance.now();
  const before = process.memoryUsage().arrayBuffers;
  let [cases, slowest_ms] = [0, 0];
  while (performance.now() - started_ms < duration_ms) {
    const dice = new Dice(seed * 1_000_003 + cases);
    const stream = anyCase(dice);
    const case_started_ms = performance.now();
    const outcome = outcomeOf(() => readOnce(dice, stream), seed, cases);
    slowest_ms = Math.max(slowest_ms, performance.now() - case_started_ms);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    cases += 1;
    const held = process.memoryUsage().arrayBuffers - before;
    if (slowest_ms > case_ms_max || held > held_bytes_max) {
      throw new Error(`seed ${seed}, case ${cases - 1}: ${slowest_ms} ms, ${held} bytes held`);
    }
  }
  return { seed, cases, outcomes, slowest_ms };
}

function outcomeOf(work: () => void, seed: number, number: number): string {
  try {
    work();
    return 'parsed';
  } catch (error) {
    if (error instanceof IcbdError && error.code !== 'Internal') return error.code;
    throw new Error(`seed ${seed}, case ${number}: not a typed error`, { cause: error });
  }
}

function main(): void {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' } },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  process.stdout.write(`seed ${seed}\n`);
  process.stdout.write(`${JSON.stringify(fuzzStreams(seed, Number(values.seconds) * 1_000))}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
