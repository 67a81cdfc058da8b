import { type Command, Option } from 'commander';
import { IcbdError } from '../../core/errors.js';
import { type CliRun, openSession } from '../session.js';

const methods = ['GET', 'POST', 'DELETE'];

const help = `
Examples:
  icbdrep api GET openapi.json                        every request there is
  icbdrep api GET 'transfers?states=failed&limit=5'
  icbdrep api POST images/vm1/rescan --data '{"node": "replica1"}'
  icbdrep api GET /metrics                            with a slash: not under /v1/
`;

function readData(data: string | undefined): unknown {
  if (data === undefined) return undefined;
  try {
    return JSON.parse(data) as unknown;
  } catch (cause) {
    throw new IcbdError('InvalidArgument', `--data is not JSON: ${(cause as Error).message}`, {
      operation: 'read the command line',
      subject: data,
      cause,
    });
  }
}

/** A text as it is, and JSON so that it can be read. */
function shown(text: string): string {
  try {
    return `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
  } catch {
    return text.endsWith('\n') ? text : `${text}\n`;
  }
}

/** `api`. */
export function addApiCommand(program: Command, run: CliRun): void {
  program
    .command('api <method> <path>')
    .description('one request to the control API as it is, and its answer')
    .addOption(new Option('--data <json>', 'the body of the request'))
    .addHelpText('after', help)
    .action(async (method: string, path: string, { data }: { data?: string }, command: Command) => {
      const verb = method.toUpperCase();
      if (!methods.includes(verb)) {
        throw new IcbdError('InvalidArgument', `${method} is none of ${methods.join(', ')}`, {
          operation: 'read the command line',
          subject: method,
        });
      }
      const session = openSession(run, command);
      const answer = await session.client.raw(verb, path, { body: readData(data) });
      run.context.stdout.write(shown(answer));
    });
}
