/** Where in the tree of commands the end of a line is: what could stand there. */
import type { Argument, Command, Option } from 'commander';

/** What may come next, found by walking the words before it along the tree. */
export interface Place {
  readonly command: Command;
  /** The words that are arguments of `command`, so far. */
  readonly operands: readonly string[];
  /** The values of options by their long names without dashes; '' for one without a value. */
  readonly options: ReadonlyMap<string, string>;
  /** The option whose value comes next. */
  readonly awaiting: Option | undefined;
  /** Whether `--` stood on the line: no options after it. */
  readonly is_options_over: boolean;
}

/** The command and all above it: their options count too. */
function withParents(command: Command): Command[] {
  return command.parent === null ? [command] : [command, ...withParents(command.parent)];
}

/** All options that are understood at `command`. */
export function optionsAt(command: Command): Option[] {
  return withParents(command).flatMap((each) => each.options.filter(({ hidden }) => !hidden));
}

export function findOption(command: Command, flag: string): Option | undefined {
  return optionsAt(command).find(({ long, short }) => long === flag || short === flag);
}

export function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

export function findCommand(command: Command, name: string): Command | undefined {
  return command.commands.find((each) => each.name() === name || each.aliases().includes(name));
}

/** Walks the finished words of a line. */
export function findPlace(program: Command, words: readonly string[]): Place {
  const operands: string[] = [];
  const options = new Map<string, string>();
  let command = program;
  let awaiting: Option | undefined;
  let is_options_over = false;
  for (const word of words) {
    if (awaiting !== undefined) {
      options.set(awaiting.name(), word);
      awaiting = undefined;
    } else if (is_options_over || word === '-' || !word.startsWith('-')) {
      const next = operands.length === 0 ? findCommand(command, word) : undefined;
      if (next === undefined) operands.push(word);
      else command = next;
    } else if (word === '--') {
      is_options_over = true;
    } else {
      const [flag = word, ...value] = word.split('=');
      const option = findOption(command, flag);
      if (option !== undefined && takesValue(option) && value.length === 0) awaiting = option;
      else if (option !== undefined) options.set(option.name(), value.join('='));
    }
  }
  return { command, operands, options, awaiting, is_options_over };
}

/** The argument that the next word is; undefined if no more are taken. */
export function nextArgument({ command, operands }: Place): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[operands.length] ?? (last?.variadic === true ? last : undefined);
}

/** The values that were given for the argument of that name. */
export function valuesOf({ command, operands }: Place, name: string): readonly string[] {
  const index = command.registeredArguments.findIndex((argument) => argument.name() === name);
  if (index < 0) return [];
  const is_variadic = command.registeredArguments[index]?.variadic === true;
  return operands.slice(index, is_variadic ? undefined : index + 1);
}
