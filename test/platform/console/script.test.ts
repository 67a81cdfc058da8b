import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fleet } from '../../support/fleet.js';

const program = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;
const daemon = new URL('../../../dist/daemon/icbdrepd.js', import.meta.url).pathname;

describe('the console as a runner of scripts', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await Fleet.start({ size_mb: 256, replicas: 1 });
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  const run = (input: string, ...args: string[]) =>
    execa(process.execPath, [program, 'console', '--socket', fleet.master.socket, ...args], {
      input,
      reject: false,
    });

  test('lines are run up to the one that fails; nothing but answers is on stdout', async () => {
    const script = `# an image and its first snapshot\nimage add vm1 --create --json\n\nsnapshot create vm1 --json\nsnapshots nope\nimage remove vm1\n`;
    const { exitCode, stdout, stderr } = await run(script);
    expect(exitCode).toBe(10);
    expect(stdout.startsWith('{\n  "name": "vm1"')).toBe(true);
    expect(stderr.split('\n').at(-1)).toBe('line 5: snapshots nope');
    const images = await fleet.master.client.images.list();
    expect(images.map(({ name }) => name)).toEqual(['vm1']);
    expect((await fleet.master.client.snapshots.list('vm1')).map(({ number }) => number)).toEqual(['1']);
  });

  test('more than a pipe holds is written before it ends, in order', async () => {
    const { exitCode, stdout } = await run('help\n'.repeat(60), '--json');
    expect(exitCode).toBe(0);
    expect(stdout.length).toBeGreaterThan(128 * 1024);
    expect(stdout.split('Usage: icbdrep [options]')).toHaveLength(61);
  });

  test('lines that come one by one are run as they come', async () => {
    const child = execa(process.execPath, [program, 'console', '--socket', fleet.master.socket], {
      reject: false,
      buffer: false,
    });
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    const answered = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(shown)) await new Promise((resolve) => child.stdout.once('data', resolve));
      shown = '';
    };
    child.stdin.write('images\n');
    await answered(/vm1 +present/);
    child.stdin.write('snapshots vm1');
    child.stdin.write('\nreplicas\n');
    await answered(/r1 +online/);
    child.stdin.end('images');
    expect((await child).exitCode).toBe(0);
  });

  test('icbdrepd --interactive without a terminal runs the script, then stops', async () => {
    expect(await fleet.master.stop()).toBe(0);
    const command = [daemon, 'master', '--config', fleet.master.config_file, '--interactive'];
    const failed = await execa(process.execPath, command, {
      input: 'images\nsnapshots nope\n',
      reject: false,
    });
    expect(failed.stdout).toMatch(/vm1 +present/);
    expect(failed.stderr.split('\n').at(-1)).toBe('line 2: snapshots nope');
    expect(failed.stderr).not.toContain('"level"');
    expect(failed.exitCode).toBe(10);
    await fleet.master.start();
    await fleet.untilOnline();
  });
});
