import type { Command } from 'commander';
import { IcbdError } from '../../core/errors.js';

/**
 * Whether a command that was parsed reads standard input, as it declares it: by `-`, by an option that stands in for
 * standard input and was not given, or, if it takes no arguments, by its description.
 */
function readsStandardInput(command: Command): boolean {
  const values = [...command.args, ...Object.values(command.opts())];
  if (values.includes('-')) return true;
  const is_from_option = command.options.some(
    (option) =>
      /standard input/.test(option.description) &&
      command.getOptionValue(option.attributeName()) === undefined,
  );
  const has_arguments = command.registeredArguments.length > 0;
  return is_from_option || (!has_arguments && /standard input/.test(command.description()));
}

/**
 * What a command reads there would be the commands that follow it.
 * @throws IcbdError `InvalidArgument` if it reads standard input
 */
export function refuseStandardInput(command: Command): void {
  if (!readsStandardInput(command)) return;
  throw new IcbdError('InvalidArgument', 'standard input is where the console reads its commands', {
    operation: 'console',
    subject: command.name(),
    hint: 'give a file, or run the command by itself, or with console --execute',
  });
}
