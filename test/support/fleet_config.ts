/** What the daemons of a fleet are told: their configuration files, secrets and certificate. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { execa } from 'execa';

/** Where a node keeps its images. */
export interface NodeFs {
  readonly mountpoint: string;
  dispose(): Promise<void>;
}

export interface NodeOptions {
  /** Lines of TOML that come before the first table. */
  readonly top?: string;
  /** Of a replica: lines of the table `[master]`. */
  readonly master?: string;
  /** Lines of the table `[transfers]`. */
  readonly transfers?: string;
  /** More lines of the table `[control]`. */
  readonly control?: string;
  /** Lines of the table `[log]`, instead of those that make the level debug. */
  readonly log?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface FleetOptions {
  readonly replicas?: number;
  readonly size_mb?: number;
  readonly mount_options?: string;
  readonly on?: 'tmpfs' | 'disk';
  readonly master?: NodeOptions;
  readonly replica?: NodeOptions;
  /** Links over TLS, with a certificate of its own. */
  readonly tls?: boolean;
  /** Filesystems for nodes by their names; the fleet disposes of them. The others get one each. */
  readonly filesystems?: Readonly<Record<string, NodeFs>>;
  /** State directories for nodes by their names; the others lie beside their configuration. */
  readonly state_dirs?: Readonly<Record<string, string>>;
  /** How the master asks its replicas whether they are there. */
  readonly keep_alive?: {
    readonly interval_s?: number;
    readonly tries?: number;
    readonly mode?: 'ping' | 'connection';
  };
  /** Whether each replica reaches the master through a proxy of its own. */
  readonly has_proxies?: boolean;
}

/** What the configuration of one node is made of. */
export interface NodePlace {
  readonly name: string;
  readonly mountpoint: string;
  readonly state_dir: string;
  /** Of configuration, control socket and log. */
  readonly directory: string;
}

const secretFile = (directory: string, name: string): string => path.join(directory, `${name}.secret`);

function nodeLines(place: NodePlace, options: NodeOptions | undefined): string[] {
  return [
    `name = "${place.name}"`,
    `mountpoint = "${place.mountpoint}"`,
    `state_dir = "${place.state_dir}"`,
    options?.top ?? '',
    `[control]\nsocket = "${path.join(place.directory, 'control.sock')}"\n${options?.control ?? ''}`,
    `[transfers]\n${options?.transfers ?? ''}`,
    `[log]\n${options?.log ?? 'level = "debug"'}`,
  ];
}

/** A table of TOML; a text in JSON is one in TOML too. */
function tableLines(name: string, values: object = {}): string[] {
  return [`[${name}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)];
}

async function makeCertificate(certificate: string, key: string): Promise<void> {
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await execa('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', certificate]);
}

/** Makes the nodes' directories, secrets and configuration files in `directory`. */
export async function writeConfigs(
  directory: string,
  nodes: { readonly master: NodePlace; readonly replicas: readonly NodePlace[] },
  ports: { readonly master: number; readonly dialled: readonly number[] },
  options: FleetOptions,
): Promise<void> {
  const { master, replicas } = nodes;
  const certificate = path.join(directory, 'certificate.pem');
  const key = path.join(directory, 'key.pem');
  if (options.tls === true) await makeCertificate(certificate, key);
  for (const place of [master, ...replicas]) await mkdir(place.directory);
  for (const { name } of replicas) {
    await writeFile(secretFile(directory, name), randomBytes(32).toString('hex'), { mode: 0o600 });
  }
  const master_lines = [
    ...nodeLines(master, options.master),
    ...tableLines('keep_alive', options.keep_alive),
    `[listen]\nhost = "127.0.0.1"\nport = ${ports.master}`,
    options.tls === true ? `tls_cert = "${certificate}"\ntls_key = "${key}"` : '',
    ...replicas.map(
      ({ name }, index) =>
        `[[replicas]]\nid = ${index + 1}\nname = "${name}"\nsecret_file = "${secretFile(directory, name)}"`,
    ),
  ];
  await writeFile(path.join(master.directory, 'config.toml'), master_lines.join('\n'));
  for (const [index, place] of replicas.entries()) {
    const address = `127.0.0.1:${ports.dialled[index]}`;
    const lines = [
      ...nodeLines(place, options.replica),
      `[master]\nsecret_file = "${secretFile(directory, place.name)}"`,
      options.replica?.master ?? '',
      options.tls === true
        ? `url = "wss://${address}"\ntls_ca = "${certificate}"`
        : `url = "ws://${address}"`,
    ];
    await writeFile(path.join(place.directory, 'config.toml'), lines.join('\n'));
  }
}

/** A port of loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
