import { readFileSync } from 'node:fs';
import type { IcbdError } from '../core/errors.js';
import type { ControlLink } from '../core/link.js';
import type { EffectHandler } from '../runtime/ports.js';
import { createLinkServer } from '../transport/link_server.js';
import type { MasterConfig } from './config/master_config.js';
import { tokenFiles } from './config/parts.js';
import { readSecret } from './config/secret.js';
import { startControlServer } from './control/server.js';
import type { ControlParts } from './control/service.js';
import { makeEventFeed } from './event_feed_source.js';
import { makeMasterProbes } from './fleet/make_probes.js';
import { MasterFleet } from './fleet/master_fleet.js';
import { ImageRepository } from './images/image_repository.js';
import { watchImages } from './images/image_watch_start.js';
import { logTransport, logUnsendable } from './logging.js';
import { dropUnwanted, masterEffects } from './master_effects.js';
import { configureReplicas, makeKeepAlive, makeMasterStop, masterLinkHandlers } from './master_replicas.js';
import { masterOperations } from './operations/master_operations.js';
import { namesFoundBy } from './operations/name_operations.js';
import { MasterNames } from './names/own_name_server.js';
import type { RunningNode } from './node_process.js';
import { startPruner } from './pruning/pruner.js';
import type { NodeStop } from './node_stop.js';
import { type NodeBase, makeRuntime, openNodeBase } from './node_base.js';
import { NodeSelf } from './node_self.js';
import { masterMessageCheck } from './peer_messages.js';
import { LiveStreams } from './live_streams.js';
import { Postman } from './postman.js';
import { system_clock } from './system_clock.js';
import { TransferReports } from './transfer_reports.js';
import { syncSlots } from './unparking.js';
import { SnapshotScans } from './verify/snapshot_scans.js';
import { VerifyRuns } from './verify/verify_runs.js';
import type { Logger } from 'pino';

function readTls({ listen: { tls_cert, tls_key } }: MasterConfig): { tls?: { cert: Buffer; key: Buffer } } {
  if (tls_cert === undefined || tls_key === undefined) return {};
  return { tls: { cert: readFileSync(tls_cert), key: readFileSync(tls_key) } };
}

/** Makes the parts that know each other, and lets them run; what ends them is pushed to `closing`. */
async function runMaster(
  base: NodeBase,
  config: MasterConfig,
  secrets: ReadonlyMap<string, Buffer>,
  onFatal: (error: IcbdError) => void,
  closing: (() => void | Promise<void>)[],
): Promise<{ readonly parts: ControlParts; readonly link_address: string; readonly stop: NodeStop }> {
  const { storage, store, progress, log, mountpoint } = base;
  // Filled below, before the runtime starts: effects need parts that need the runtime.
  const handlers: Record<string, EffectHandler> = {};
  const runtime = makeRuntime(base, handlers, onFatal);
  const postman = new Postman(storage, runtime, masterMessageCheck(storage), (message, error) =>
    logUnsendable(log, message, error),
  );
  const keep_alive = makeKeepAlive(runtime, config);
  const names = new MasterNames(base, config);
  const repository = new ImageRepository({
    runtime,
    storage,
    store,
    mountpoint,
    makes_directories: false,
    isReplica: (node) => secrets.has(node),
  });
  const fleet = new MasterFleet(base, runtime, repository);
  closing.push(() => fleet.close());
  const server = await createLinkServer({
    host: config.listen.host,
    port: config.listen.port,
    ...readTls(config),
    node: base.name,
    instance: base.instance,
    capabilities: base.capabilities,
    clock: system_clock,
    randomBytes: base.randomBytes,
    secretOf: (node) => secrets.get(node),
    handlers: fleet.watching(masterLinkHandlers(runtime, postman, keep_alive, names, config, log)),
    ...names.link_options,
    log: (entry) => logTransport(log, entry),
  });
  const live = new LiveStreams();
  dropUnwanted(runtime, live);
  // Ended in the reverse order: links first, so that their end is still committed.
  closing.push(
    () => live.closeAll(),
    () => runtime.close(),
    () => names.close(),
    () => server.close(),
    () => keep_alive.close(),
  );
  Object.assign(handlers, masterEffects(base, config, { repository, postman, server, live }));
  const linkTo = (node: string): ControlLink => postman.linkTo(node);
  const link_address = `${config.listen.host}:${server.port}`;
  const stop = makeMasterStop(base, runtime, config);
  const { probes, close: closeProbes } = makeMasterProbes({
    base,
    runtime,
    fleet,
    linkTo,
    links: { address: link_address, isListening: () => server.is_listening },
    configured: [...secrets.keys()],
    images: () => repository.list().map(({ name }) => name),
    keepAliveOf: (node) => keep_alive.report(node),
    isStopping: () => stop.is_stopping,
  });
  closing.push(closeProbes);
  names.open(runtime, server.port);
  runtime.start();
  configureReplicas(runtime, config);
  syncSlots(runtime, storage, storage.actors.list({ kind: 'replica', limit: 100_000 }));
  await names.answerBroadcasts(server.port);
  const watch = watchImages(base, runtime);
  const pruner = startPruner(base, config.history);
  closing.push(
    () => watch.close(),
    () => pruner.close(),
  );
  const verifying = { repository, clock: system_clock, randomBytes: base.randomBytes };
  const scans = new SnapshotScans(verifying);
  const verify_runs = new VerifyRuns({ ...verifying, node: base.name, scans, linkTo });
  closing.push(
    () => scans.close(),
    () => verify_runs.close(),
  );
  const data_address = {
    url: `${config.listen.tls_cert === undefined ? 'ws' : 'wss'}://${link_address}`,
    via: null,
  };
  const operations = masterOperations({
    self: new NodeSelf({ base, role: 'master', dataAddress: () => data_address, stop }),
    base,
    runtime,
    repository,
    reports: new TransferReports(storage, progress, 'transfer', base.name),
    configured: new Set(secrets.keys()),
    failures_max: config.transfers.failures_max,
    linkTo,
    names: namesFoundBy(() => names.service()),
    keepAliveOf: (node) => keep_alive.report(node),
    verify_runs,
    board: fleet.board,
    doctor_places: {
      state_dir: config.state_dir,
      secret_files: [...config.replicas.map(({ secret_file }) => secret_file), ...tokenFiles(config.control)],
      tls_key: config.listen.tls_key,
    },
    link_address,
  });
  const feed = makeEventFeed({ role: 'master', base, runtime, operations });
  return { parts: { operations, feed, probes }, link_address, stop };
}

/**
 * Starts a master node.
 * @throws IcbdError `InvalidConfig`, and what `openNodeBase`, the link server and the control server throw;
 *   then nothing runs and nothing is held
 */
export async function startMaster(
  config: MasterConfig,
  log: Logger,
  onFatal: (error: IcbdError) => void,
): Promise<RunningNode> {
  const secrets = new Map(config.replicas.map(({ name, secret_file }) => [name, readSecret(secret_file)]));
  const base = await openNodeBase({ ...config, log });
  const closing: (() => void | Promise<void>)[] = [base.close];
  const stop = async (): Promise<void> => {
    for (const close of closing.toReversed()) await close();
  };
  try {
    const running = await runMaster(base, config, secrets, onFatal, closing);
    const control = await startControlServer({ ...running.parts, control: config.control, log });
    closing.push(() => control.close());
    base.page_url = control.url;
    log.info(
      { links: running.link_address, control: config.control.socket, page: control.url },
      'master ready',
    );
    return { stop, stop_due: running.stop.due };
  } catch (error) {
    await stop();
    throw error;
  }
}
