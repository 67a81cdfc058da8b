/** What Tab offers: from the tree of commands, and from what the daemon knows. */
import { type Argument, type Command, Help, type Option } from 'commander';
import { codec_names } from '../../core/codecs.js';
import { compareSnapshotNumbers } from '../../core/names.js';
import { transfer_states } from '../render/transfer_states.js';
import type { LiveNames } from './live_names.js';
import {
  type Place,
  findCommand,
  findOption,
  findPlace,
  nextArgument,
  optionsAt,
  takesValue,
  valuesOf,
} from './place.js';
import { type Word, quoteWord, scanLine } from './words.js';

/** Whole words as they are to be typed, and the part of the line that each of them replaces. */
export type Completion = [words: string[], replaced: string];

/** For a question whose answer nobody but the operator knows. */
export async function completeNothing(): Promise<Completion> {
  return [[], ''];
}

/** The names of the daemon that a line with this `--socket` asks. */
export type NamesFor = (socket: string | undefined) => LiveNames;

/** What a word can be. */
interface Offer {
  readonly values: readonly string[];
  /** Whether several may stand in one word, with commas. */
  readonly is_list?: boolean;
}

const nothing: Offer = { values: [] };

const control = /\p{Cc}/u;

async function replicasOf(names: LiveNames, typed: string): Promise<string[]> {
  const replicas = await names.replicas();
  // A number beside the name of the same node would only be more to read.
  return replicas.filter((name) => /^\d/.test(typed) || !/^\d+$/.test(name));
}

async function imageOf(place: Place, names: LiveNames): Promise<Offer> {
  return { values: await names.images(place.options.get('node')) };
}

async function numbersOf(place: Place, names: LiveNames): Promise<Offer> {
  const [image] = valuesOf(place, 'image');
  if (image === undefined) return nothing;
  const given = new Set(valuesOf(place, 'number').flatMap((word) => word.split(',')));
  const numbers = await names.snapshots(image, place.options.get('node'));
  const left = numbers.filter((number) => !given.has(number));
  return { values: left.toSorted(compareSnapshotNumbers), is_list: true };
}

function subcommandsOf(command: Command): string[] {
  // Without the help that each group would have again.
  const visible = new Help().visibleCommands(command).filter((each) => command.commands.includes(each));
  return visible.map((each) => each.name());
}

/** The command that the operands name, for `help`. */
function commandAt({ command, operands }: Place): Command {
  let found = command.parent ?? command;
  for (const word of operands) found = findCommand(found, word) ?? found;
  return found;
}

/** What the declared name of an argument, or of an option's value, stands for. */
async function offerOf(name: string, place: Place, names: LiveNames, typed: string): Promise<Offer> {
  switch (name) {
    case 'image':
      return imageOf(place, names);
    case 'name':
      return place.command.parent?.name() === 'image' ? imageOf(place, names) : nothing;
    case 'number':
      return numbersOf(place, names);
    case 'id':
      return { values: await names.transfers() };
    case 'node':
      return { values: (await Promise.all([names.self(), replicasOf(names, typed)])).flat() };
    case 'replica': {
      const all = place.awaiting?.long === '--to' ? ['all'] : [];
      return { values: [...all, ...(await replicasOf(names, typed))], is_list: true };
    }
    case 'state':
      return { values: transfer_states, is_list: true };
    case 'codec':
      return { values: codec_names };
    case 'command':
      return { values: subcommandsOf(commandAt(place)) };
    default:
      return nothing;
  }
}

/** The name of an option's value as its flags declare it: `node` of `--node <node>`. */
function valueNameOf(option: Option): string {
  return /[<[]([\w-]+)/.exec(option.flags)?.[1] ?? '';
}

async function valuesFor(
  declared: Option | Argument,
  name: string,
  place: Place,
  names: LiveNames,
  typed: string,
): Promise<Offer> {
  if (declared.argChoices !== undefined) return { values: declared.argChoices };
  return offerOf(name, place, names, typed);
}

function offeredOptions({ command, options }: Place): Offer {
  // An option that takes a value may often be given again.
  const left = optionsAt(command).filter((option) => takesValue(option) || !options.has(option.name()));
  return { values: [...left.map(({ long, short }) => long ?? short ?? ''), '--help'] };
}

/** What can stand where `typed` was begun; with the part of `typed` that stays in front of it. */
async function offerAt(place: Place, names: LiveNames, typed: string): Promise<Offer & { kept: string }> {
  const { awaiting, command, is_options_over } = place;
  if (awaiting !== undefined) {
    return { ...(await valuesFor(awaiting, valueNameOf(awaiting), place, names, typed)), kept: '' };
  }
  if (typed.startsWith('-') && !is_options_over) {
    const [, flag = '', value = ''] = /^(--[^=]+)=(.*)$/s.exec(typed) ?? [];
    const option = flag === '' ? undefined : findOption(command, flag);
    if (option === undefined) return { ...offeredOptions(place), kept: '' };
    const valued = { ...place, awaiting: option };
    return { ...(await valuesFor(option, valueNameOf(option), valued, names, value)), kept: `${flag}=` };
  }
  if (command.commands.length > 0 && place.operands.length === 0) {
    return { values: subcommandsOf(command), kept: '' };
  }
  const argument = nextArgument(place);
  if (argument === undefined) return { ...nothing, kept: '' };
  return { ...(await valuesFor(argument, argument.name(), place, names, typed)), kept: '' };
}

/** `typed` up to the last comma, and what follows it. */
function splitList(typed: string): [before: string, last: string] {
  const comma = typed.lastIndexOf(',');
  return [typed.slice(0, comma + 1), typed.slice(comma + 1)];
}

/**
 * Completes the last word of `line`, which is what stands before the cursor.
 * Never throws: a daemon that is away or slow has no names.
 */
export async function completeLine(program: Command, line: string, namesFor: NamesFor): Promise<Completion> {
  const { words, ends_in_word, has_comment, unfinished } = scanLine(line);
  if (has_comment) return [[], ''];
  const last: Word = (ends_in_word ? words.at(-1) : undefined) ?? { value: '', start: line.length };
  const replaced = line.slice(last.start);
  const before = (ends_in_word ? words.slice(0, -1) : words).map(({ value }) => value);
  const place = findPlace(program, before[0] === program.name() ? before.slice(1) : before);
  const names = namesFor(place.options.get('socket'));
  const { values, is_list = false, kept } = await offerAt(place, names, last.value);
  const [listed, part] = is_list
    ? splitList(last.value.slice(kept.length))
    : ['', last.value.slice(kept.length)];
  const taken = new Set(listed.split(','));
  const fitting = [...new Set(values)].filter(
    (value) => value.startsWith(part) && !taken.has(value) && !control.test(value),
  );
  const quote = unfinished === '\\' ? '' : unfinished;
  const offered = fitting.map((value) => quoteWord(`${kept}${listed}${value}`, quote));
  const [only] = offered;
  // What is clear is finished: the next word may follow.
  return only !== undefined && offered.length === 1 ? [[`${only} `], replaced] : [offered, replaced];
}
