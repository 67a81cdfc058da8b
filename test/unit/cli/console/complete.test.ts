import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControlClient } from '../../../../src/client/control_client.js';
import { type Completion, completeLine } from '../../../../src/cli/console/complete.js';
import { consoleCommands } from '../../../../src/cli/console/console_commands.js';
import { LiveNames } from '../../../../src/cli/console/live_names.js';
import { runCli } from '../../../../src/cli/program.js';
import { codec_names } from '../../../../src/core/codecs.js';
import { IcbdError } from '../../../../src/core/errors.js';
import { type Answer, type FakeDaemon, startFakeDaemon } from '../fake_daemon.js';
import { fakeContext } from '../fake_context.js';
import {
  completed,
  failed,
  image_sample,
  replica_sample,
  snapshot_sample,
  status_sample,
} from '../samples.js';

const named = (names: readonly string[]): unknown[] => names.map((name) => ({ ...image_sample, name }));
const numbered = (numbers: readonly string[]): unknown[] =>
  numbers.map((number) => ({ ...snapshot_sample, number }));

const answer: Answer = ({ path }) => {
  switch (path) {
    case '/v1/status':
      return status_sample;
    case '/v1/replicas':
      return [
        { ...replica_sample, name: 'replica1', node_id: 1 },
        { ...replica_sample, name: 'replica2', node_id: 2 },
      ];
    case '/v1/images':
      return named(['vm1', 'vm2', 'my image', "it's"]);
    case '/v1/images?node=replica1':
      return named(['copied']);
    case '/v1/images/vm1/snapshots':
      return numbered(['10', '9', 'nightly']);
    case '/v1/images/vm1/snapshots?node=replica1':
      return numbered(['9']);
    case '/v1/images/my%20image/snapshots':
      return numbered(['4']);
    case '/v1/transfers?limit=200':
      return [failed, completed];
    default:
      return new IcbdError('InvalidArgument', path, { operation: 'fake' });
  }
};

async function programOf(): Promise<Command> {
  let program: Command | undefined;
  const state = { is_over: false, history: () => [], is_input_taken: true };
  await runCli(['--version'], fakeContext(), (made, run) => {
    consoleCommands(state)(made, run);
    program = made;
  });
  if (program === undefined) throw new Error('no program');
  return program;
}

describe('what Tab offers', () => {
  let daemon: FakeDaemon;
  let program: Command;
  const { clock } = fakeContext();

  beforeAll(async () => {
    daemon = await startFakeDaemon(answer);
    program = await programOf();
  });
  afterAll(async () => {
    await daemon.dispose();
  });

  const complete = (line: string): Promise<Completion> =>
    completeLine(program, line, (socket) => new LiveNames(new ControlClient(socket ?? daemon.socket), clock));
  const offered = async (line: string): Promise<string[]> => (await complete(line))[0];

  test("commands and their subcommands, once each, and the console's own", async () => {
    const all = await offered('');
    expect(all).toEqual(program.commands.map((command) => command.name()));
    expect(all).toEqual(expect.arrayContaining(['send', 'image', 'console', 'help', 'exit']));
    expect(await offered('im')).toEqual(['images', 'image']);
    expect(await offered('sta')).toEqual(['status ']);
    expect(await offered('icbdrep sta')).toEqual(['status ']);
    expect(await offered('snapshot ')).toEqual(['show', 'last', 'create', 'add', 'delete', 'verify']);
    expect(await offered('help snapshot v')).toEqual(['verify ']);
    expect(await offered('nonsense ')).toEqual([]);
  });

  test('options of the command and of all commands, those without a value once', async () => {
    const options = await offered('send vm1 1 --');
    expect(options).toEqual(
      expect.arrayContaining(['--to', '--wait', '--codec', '--socket', '--json', '--help']),
    );
    expect(options).not.toContain('--node');
    expect(await offered('send vm1 1 --wait --w')).toEqual([]);
    expect(await offered('send -- --w')).toEqual([]);
  });

  test('names of images, snapshots, nodes and transfers as they are declared', async () => {
    expect(await offered('snapshots v')).toEqual(['vm1', 'vm2']);
    expect(await offered('image remove vm1')).toEqual(['vm1 ']);
    expect(await offered('transfers --image vm2')).toEqual(['vm2 ']);
    expect(await offered('send vm1 ')).toEqual(['9', '10', 'nightly']);
    expect(await offered('send vm1 9 ')).toEqual(['10', 'nightly']);
    expect(await offered('send vm1 9,')).toEqual(['9,10', '9,nightly']);
    expect(await offered('snapshot delete vm1 n')).toEqual(['nightly ']);
    expect(await offered('snapshot delete vm1 9 ')).toEqual([]);
    expect(await offered('send vm1 9 --to ')).toEqual(['all', 'replica1', 'replica2']);
    expect(await offered('send vm1 9 --to=rep')).toEqual(['--to=replica1', '--to=replica2']);
    expect(await offered('send vm1 9 --to replica1,')).toEqual(['replica1,all', 'replica1,replica2']);
    expect(await offered('send vm1 9 --to 2')).toEqual(['2 ']);
    expect(await offered('images --node ')).toEqual([status_sample.node, 'replica1', 'replica2']);
    expect(await offered('transfer show ')).toEqual([failed.id, completed.id]);
  });

  test('on the node that the line names', async () => {
    expect(await offered('snapshots --node replica1 ')).toEqual(['copied ']);
    expect(await offered('snapshot delete --node=replica1 vm1 ')).toEqual(['9 ']);
  });

  test('codecs and states', async () => {
    expect(await offered('send vm1 1 --codec ')).toEqual([...codec_names]);
    expect(await offered('transfers --state resting,fai')).toEqual(['resting,failed ']);
  });

  test('names with spaces and quotes as they are to be typed', async () => {
    expect(await complete('snapshots my')).toEqual([[`'my image' `], 'my']);
    expect(await complete('snapshots "my im')).toEqual([['"my image" '], '"my im']);
    expect(await complete(String.raw`snapshots my\ im`)).toEqual([[`'my image' `], String.raw`my\ im`]);
    expect(await offered('snapshots it')).toEqual([`"it's" `]);
    expect(await offered(`send 'my image' `)).toEqual(['4 ']);
  });

  test('nothing in a comment', async () => {
    expect(await offered('images # v')).toEqual([]);
  });

  test('nothing from a daemon that is away, and all that needs none', async () => {
    expect(await offered('snapshots --socket /nowhere/x.sock v')).toEqual([]);
    expect(await offered('transfers --socket /nowhere/x.sock --state fa')).toEqual(['failed ']);
  });

  test('nothing after a second from a daemon that hangs, and the call is given up', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const hang = ({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<never> => {
      signals.push(signal);
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('given up')));
      });
    };
    const client = {
      status: hang,
      images: { list: hang },
      replicas: { list: hang },
    } as unknown as ControlClient;
    const fast = fakeContext({ speed: 20 }).clock;
    const [words] = await completeLine(program, 'images --node ', () => new LiveNames(client, fast));
    expect(words).toEqual([]);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true]);
  });
});
