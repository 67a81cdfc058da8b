import { readFileSync } from 'node:fs';
import { estimateStreamBytes } from '../btrfs/estimate.js';
import { IcbdError } from '../core/errors.js';
import type { ControlLink, LinkHandlers } from '../core/link.js';
import type { ActorAddress, EventCause } from '../core/records.js';
import type { EffectHandler } from '../runtime/ports.js';
import type { Runtime } from '../runtime/runtime.js';
import { type LinkServer, createLinkServer } from '../transport/link_server.js';
import type { MasterConfig } from './config/master_config.js';
import { readSecret } from './config/secret.js';
import { controlRoutes } from './control/routes.js';
import { startControlServer } from './control/server.js';
import { imageEffects } from './effects/image_effects.js';
import { planEffect } from './effects/plan.js';
import { sendEffect } from './effects/send.js';
import { ImageRepository } from './image_repository.js';
import { watchImages } from './image_watch_start.js';
import { KeepAlive } from './keep_alive.js';
import { logTransport, logUnsendable } from './logging.js';
import { masterOperations } from './operations/master_operations.js';
import { namesFoundBy } from './operations/name_operations.js';
import type { Operations } from './operations/operations.js';
import { answerReplicasPing } from './requests/ping_requests.js';
import { MasterNames } from './names/own_name_server.js';
import type { RunningNode } from './node_process.js';
import { type NodeBase, makeRuntime, openNodeBase } from './node_base.js';
import { NodeSelf } from './node_self.js';
import { NodeStop } from './node_stop.js';
import { masterMessageCheck } from './peer_messages.js';
import { LiveStreams } from './live_streams.js';
import { Postman } from './postman.js';
import { system_clock } from './system_clock.js';
import { TransferReports } from './transfer_reports.js';
import { SnapshotScans } from './verify/snapshot_scans.js';
import { VerifyRuns } from './verify/verify_runs.js';
import type { Logger } from 'pino';

const replicaAddress = (name: string): ActorAddress => ({ kind: 'replica', id: name });
const configured: EventCause = { kind: 'daemon', what: 'config' };

/** States in which a transfer has a slot and works. */
const working_states = ['planning', 'starting_over', 'offering', 'sending', 'confirming'];

/** Tells every replica actor what the config says of it, and makes the ones that are new. */
function configureReplicas(
  runtime: Runtime,
  config: MasterConfig,
  slots_max = config.transfers.slots_per_replica,
): void {
  for (const { id: node_id, name } of config.replicas) {
    const event = { type: 'configure', node_id, slots_max };
    runtime.deliver(replicaAddress(name), event, configured, { node_id, name, slots_max });
  }
}

/** Tells a replica its number. */
function introduce(link: ControlLink, config: MasterConfig, log: Logger): void {
  const node_id = config.replicas.find(({ name }) => name === link.peer.node)?.id;
  link.request({ method: 'node.introduce', params: { node_id } }).catch((error: unknown) => {
    log.debug({ replica: link.peer.node, err: error }, 'the replica was not told its number');
  });
}

/** Asks the replicas whose links are up whether they are still there, and tells their actors of changes. */
function makeKeepAlive(runtime: Runtime, { keep_alive }: MasterConfig): KeepAlive {
  return new KeepAlive({
    clock: system_clock,
    interval_ms: keep_alive.interval_s * 1_000,
    tries: keep_alive.tries,
    mode: keep_alive.mode,
    onChange: (node, event) =>
      runtime.deliver(replicaAddress(node), { ...event }, { kind: 'daemon', what: 'keep-alive' }),
  });
}

function linkHandlers(
  runtime: Runtime,
  postman: Postman,
  keep_alive: KeepAlive,
  names: MasterNames,
  config: MasterConfig,
  log: Logger,
): LinkHandlers {
  return {
    onUp: (link) => {
      const { node, address, capabilities } = link.peer;
      const event = { type: 'link.up', session: link.session, address, capabilities };
      postman.attach(link);
      introduce(link, config, log);
      runtime.deliver(replicaAddress(node), event, { kind: 'daemon', what: `link from ${address}` });
      keep_alive.attach(link);
    },
    onDown: (link, reason) => {
      keep_alive.detach(link);
      postman.detach(link);
      log.info({ replica: link.peer.node, reason: reason.message }, 'link down');
      const event = { type: 'link.down', session: link.session, reason: reason.message };
      runtime.deliver(replicaAddress(link.peer.node), event, { kind: 'daemon', what: 'link' });
    },
    onMessage: (link, message) => postman.receive(link, message),
    onAcknowledged: (link, message_id) => postman.acknowledged(link, message_id),
    onRequest: (link, request) => {
      const answer = answerReplicasPing(request) ?? names.answer(link, request);
      if (answer !== undefined) return answer;
      throw new IcbdError('NotPermitted', `${link.peer.node} may not ask the master for ${request.method}`, {
        operation: 'answer request',
        subject: link.peer.node,
      });
    },
  };
}

/** An orderly stop of the master: no transfer starts any more. */
function makeStop({ name, storage }: NodeBase, runtime: Runtime, config: MasterConfig): NodeStop {
  return new NodeStop({
    node: name,
    running: () => storage.actors.list({ kind: 'transfer', states: working_states, limit: 100_000 }).length,
    onAsked: () => configureReplicas(runtime, config, 0),
    onChange: (look) => void runtime.subscribe(look),
  });
}

function readTls({ listen: { tls_cert, tls_key } }: MasterConfig): { tls?: { cert: Buffer; key: Buffer } } {
  if (tls_cert === undefined || tls_key === undefined) return {};
  return { tls: { cert: readFileSync(tls_cert), key: readFileSync(tls_key) } };
}

/** States in which a transfer may go on with the `btrfs send` that runs for it. */
const streaming_states = new Set(['sending', 'disconnected']);

/** A `btrfs send` that waits for a link ends when its transfer does not want it any more. */
function dropUnwanted(runtime: Runtime, live: LiveStreams): void {
  runtime.subscribe(({ events }) => {
    for (const { kind, id, state } of events) {
      if (kind === 'transfer' && !streaming_states.has(state)) void live.drop(id);
    }
  });
}

/** The effects of the actors on a master. */
function masterEffects(
  base: NodeBase,
  config: MasterConfig,
  parts: {
    readonly repository: ImageRepository;
    readonly postman: Postman;
    readonly server: LinkServer;
    readonly live: LiveStreams;
  },
): Record<string, EffectHandler> {
  const { store, capabilities, children, progress } = base;
  const { codec, stream, stall_timeout_s } = config.transfers;
  const imagePath = (image: string): string => parts.repository.path(image);
  return {
    ...imageEffects({ store, imagePath }),
    plan: planEffect({
      store,
      imagePath,
      capabilities,
      linkTo: (node) => parts.postman.linkTo(node),
      default_codec: codec,
      stream,
    }),
    send: sendEffect({
      store,
      imagePath,
      waitForData: (session, options) => parts.server.waitForData(session, options),
      isLinked: (node) => parts.postman.isLinked(node),
      estimate: estimateStreamBytes,
      children,
      live: parts.live,
      progress,
      clock: system_clock,
      stall_timeout_ms: stall_timeout_s * 1_000,
    }),
  };
}

/** Makes the parts that know each other, and lets them run; what ends them is pushed to `closing`. */
async function runMaster(
  base: NodeBase,
  config: MasterConfig,
  secrets: ReadonlyMap<string, Buffer>,
  onFatal: (error: IcbdError) => void,
  closing: (() => void | Promise<void>)[],
): Promise<{ readonly operations: Operations; readonly link_address: string; readonly stop: NodeStop }> {
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
    handlers: linkHandlers(runtime, postman, keep_alive, names, config, log),
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
  names.open(runtime, server.port);
  runtime.start();
  configureReplicas(runtime, config);
  await names.answerBroadcasts(server.port);
  const watch = watchImages(base, runtime);
  closing.push(() => watch.close());
  const linkTo = (node: string): ControlLink => postman.linkTo(node);
  const verifying = { repository, clock: system_clock, randomBytes: base.randomBytes };
  const scans = new SnapshotScans(verifying);
  const verify_runs = new VerifyRuns({ ...verifying, node: base.name, scans, linkTo });
  closing.push(
    () => scans.close(),
    () => verify_runs.close(),
  );
  const link_address = `${config.listen.host}:${server.port}`;
  const stop = makeStop(base, runtime, config);
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
    doctor_places: {
      state_dir: config.state_dir,
      secret_files: config.replicas.map(({ secret_file }) => secret_file),
      tls_key: config.listen.tls_key,
    },
    link_address,
  });
  return { operations, link_address, stop };
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
    const control = await startControlServer(
      config.control.socket,
      controlRoutes(running.operations),
      (error) => log.error({ err: error }, 'control request failed'),
    );
    closing.push(() => control.close());
    log.info({ links: running.link_address, control: config.control.socket }, 'master ready');
    return { stop, stop_due: running.stop.due };
  } catch (error) {
    await stop();
    throw error;
  }
}
