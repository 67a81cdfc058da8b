import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Logger } from 'pino';
import type { IcbdError } from '../core/errors.js';
import { createLinkServer } from '../transport/link_server.js';
import type { NameServerConfig } from './config/name_server_config.js';
import { readSecret } from './config/secret.js';
import { startControlServer } from './control/server.js';
import { makeNameServerProbes } from './fleet/make_probes.js';
import { logTransport } from './logging.js';
import { NameServerCore } from './names/name_server_core.js';
import { linkAddress } from './names/node_address.js';
import type { RunningNode } from './node_process.js';
import { type StateBase, openStateBase } from './node_base.js';
import { nameServerOperations } from './operations/name_server_operations.js';
import { system_clock } from './system_clock.js';

/** It neither sends nor receives: what its handshakes say of streams is never used. */
const capabilities = { codecs: [], stream_version_max: 1, btrfs_progs: '', kernel: release() } as const;

function nextEpoch({ storage }: StateBase): number {
  return storage.transaction(() => {
    const epoch = Number(storage.node.meta('epoch') ?? '0') + 1;
    storage.node.setMeta('epoch', String(epoch));
    return epoch;
  });
}

/** Serves names over links; what ends it is pushed to `closing`. */
async function serveNames(
  base: StateBase,
  config: NameServerConfig,
  secrets: ReadonlyMap<string, Buffer>,
  closing: (() => void | Promise<void>)[],
) {
  const { host, port, tls_cert, tls_key } = config.listen;
  const has_tls = tls_cert !== undefined && tls_key !== undefined;
  const masters = new Set(config.nodes.filter(({ role }) => role === 'master').map(({ name }) => name));
  const core = new NameServerCore(base, config.names, (node) => (masters.has(node) ? 'master' : 'replica'));
  const server = await createLinkServer({
    host,
    port,
    ...(has_tls ? { tls: { cert: readFileSync(tls_cert), key: readFileSync(tls_key) } } : {}),
    node: base.name,
    instance: base.instance,
    capabilities,
    clock: system_clock,
    randomBytes: base.randomBytes,
    secretOf: (node) => secrets.get(node),
    names: core.link_options,
    log: (entry) => logTransport(base.log, entry),
  });
  closing.push(
    () => core.close(),
    () => server.close(),
  );
  const listen = { host, port: server.port, has_tls };
  core.open(linkAddress(listen));
  await core.answerBroadcasts(listen);
  const links = { address: `${host}:${server.port}`, isListening: () => server.is_listening };
  return { names: core.as({ node: base.name, role: 'operator' }), links };
}

/**
 * Starts a name server of its own.
 * @throws IcbdError `InvalidConfig`, and what `openStateBase`, the link server and the control server throw; then
 *   nothing runs and nothing is held
 */
export async function startNameServer(
  config: NameServerConfig,
  log: Logger,
  onFatal: (error: IcbdError) => void,
): Promise<RunningNode> {
  const secrets = new Map(config.nodes.map(({ name, secret_file }) => [name, readSecret(secret_file)]));
  const base = openStateBase({ ...config, log });
  base.storage.onFailure = onFatal;
  const closing: (() => void | Promise<void>)[] = [base.close];
  const stop = async (): Promise<void> => {
    for (const close of closing.toReversed()) await close();
  };
  try {
    const { names, links } = await serveNames(base, config, secrets, closing);
    const epoch = nextEpoch(base);
    const { probes, close: closeProbes } = makeNameServerProbes(base, epoch, links);
    closing.push(closeProbes);
    const link_address = links.address;
    const operations = nameServerOperations({ base, names, epoch, link_address });
    const control = await startControlServer({
      operations,
      feed: null,
      probes,
      control: config.control,
      log,
    });
    closing.push(() => control.close());
    base.page_url = control.url;
    log.info({ links: link_address, control: config.control.socket, page: control.url }, 'name server ready');
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
