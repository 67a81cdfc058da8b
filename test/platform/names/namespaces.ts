/** A small network of its own for a test: namespaces on one bridge, made by the kernel and gone afterwards. */
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';

const subnet = '10.231.77';
/** `ip netns` mounts it the first time, and leaves it so. */
const netns_directory = '/run/netns';
let made = 0;

async function ip(...words: string[]): Promise<void> {
  try {
    await execa('ip', words);
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new Error(
      `network namespaces are needed (root and iproute2): ip ${words.join(' ')}: ${stderr || message}`,
      { cause: error },
    );
  }
}

async function isMounted(): Promise<boolean> {
  return (await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${netns_directory} `);
}

export interface Host {
  readonly namespace: string;
  readonly address: string;
  /** Words before a command that let it run there. */
  readonly before: readonly string[];
}

export class TestNetwork {
  readonly hosts: readonly Host[];

  readonly #was_mounted: boolean;

  private constructor(hosts: readonly Host[], was_mounted: boolean) {
    this.hosts = hosts;
    this.#was_mounted = was_mounted;
  }

  /**
   * Makes so many hosts; the first one holds the bridge. Each has a default route, as a host on a real network has,
   * without which nothing can be sent to 255.255.255.255.
   */
  static async make(count: number): Promise<TestNetwork> {
    made += 1;
    const hosts = Array.from({ length: count }, (_, index) => {
      const namespace = `icbdrep-${process.pid}-${made}-${index}`;
      const before = ['nsenter', `--net=/run/netns/${namespace}`, '--'];
      return { namespace, address: `${subnet}.${index + 1}`, before };
    });
    const network = new TestNetwork(hosts, await isMounted());
    try {
      for (const { namespace } of hosts) {
        await ip('netns', 'add', namespace);
        await ip('-n', namespace, 'link', 'set', 'lo', 'up');
      }
      await network.#connect();
      return network;
    } catch (error) {
      await network.dispose();
      throw error;
    }
  }

  /** Address of all of its hosts. */
  get broadcast(): string {
    return `${subnet}.255`;
  }

  async dispose(): Promise<void> {
    for (const { namespace } of this.hosts) {
      await execa('ip', ['netns', 'del', namespace], { reject: false });
    }
    if (!this.#was_mounted) await execa('umount', [netns_directory], { reject: false });
  }

  async #connect(): Promise<void> {
    const [first, ...others] = this.hosts as [Host, ...Host[]];
    await ip('-n', first.namespace, 'link', 'add', 'br0', 'type', 'bridge');
    await this.#addressOf(first, 'br0');
    for (const [index, host] of others.entries()) {
      const port = `port${index}`;
      const far_end = ['peer', 'name', 'eth0', 'netns', host.namespace];
      await ip('-n', first.namespace, 'link', 'add', port, 'type', 'veth', ...far_end);
      await ip('-n', first.namespace, 'link', 'set', port, 'master', 'br0', 'up');
      await this.#addressOf(host, 'eth0');
    }
  }

  async #addressOf({ namespace, address }: Host, device: string): Promise<void> {
    await ip('-n', namespace, 'addr', 'add', `${address}/24`, 'broadcast', this.broadcast, 'dev', device);
    await ip('-n', namespace, 'link', 'set', device, 'up');
    await ip('-n', namespace, 'route', 'add', 'default', 'dev', device);
  }
}
