import { readFileSync } from 'node:fs';
import { estimateStreamBytes } from '../btrfs/estimate.js';
import { IcbdError } from '../core/errors.js';
import type { LinkHandlers } from '../core/link.js';
import type { ActorAddress, EventCause } from '../core/records.js';
import type { Runtime } from '../runtime/runtime.js';
import { type LinkServer, createLinkServer } from '../transport/link_server.js';
import { type MasterConfig, readSecret } from './config.js';
import { controlRoutes } from './control/routes.js';
import { startControlServer } from './control/server.js';
import { imageEffects } from './effects/image_effects.js';
import { planEffect } from './effects/plan.js';
import { sendEffect } from './effects/send.js';
import { ImageRepository } from './image_repository.js';
import { logTransport } from './logging.js';
import { MasterOperations } from './master_operations.js';
import type { RunningNode } from './node_process.js';
import { type NodeBase, makeRuntime, openNodeBase } from './node_base.js';
import { masterMessageCheck } from './peer_messages.js';
import { Postman } from './postman.js';
import { system_clock } from './system_clock.js';
import { TransferDesk } from './transfer_desk.js';
import { TransferReports } from './transfer_reports.js';
import type { Logger } from 'pino';

const replicaAddress = (name: string): ActorAddress => ({ kind: 'replica', id: name });
const configured: EventCause = { kind: 'daemon', what: 'config' };

/** Tells every replica actor what the config says of it, and makes the ones that are new. */
function configureReplicas(runtime: Runtime, config: MasterConfig): void {
  const slots_max = config.transfers.slots_per_replica;
  for (const { id: node_id, name } of config.replicas) {
    const event = { type: 'configure', node_id, slots_max };
    runtime.deliver(replicaAddress(name), event, configured, { node_id, name, slots_max });
  }
}

function linkHandlers(runtime: Runtime, postman: Postman, log: Logger): LinkHandlers {
  return {
    onUp: (link) => {
      const { node, address, capabilities } = link.peer;
      const event = { type: 'link.up', session: link.session, address, capabilities };
      postman.attach(link);
      runtime.deliver(replicaAddress(node), event, { kind: 'daemon', what: `link from ${address}` });
    },
    onDown: (link, reason) => {
      postman.detach(link);
      log.info({ replica: link.peer.node, reason: reason.message }, 'link down');
      const event = { type: 'link.down', session: link.session, reason: reason.message };
      runtime.deliver(replicaAddress(link.peer.node), event, { kind: 'daemon', what: 'link' });
    },
    onMessage: (link, message) => postman.receive(link, message),
    onAcknowledged: (link, message_id) => postman.acknowledged(link, message_id),
    onRequest: (link, request) => {
      throw new IcbdError('NotPermitted', `${link.peer.node} may not ask the master for ${request.method}`, {
        operation: 'answer request',
        subject: link.peer.node,
      });
    },
  };
}

/** The parts that know each other; made before the runtime starts. */
function assemble(base: NodeBase, config: MasterConfig, onFatal: (error: IcbdError) => void) {
  const { storage, store, progress, children, capabilities } = base;
  // The effects need links and repository, which need the runtime, which needs the effects.
  const late: { server?: LinkServer; postman?: Postman; desk?: TransferDesk } = {};
  const imagePath = (image: string): string => repository.path(image);
  const linkTo = (node: string) => required(late.postman).linkTo(node);

  const runtime = makeRuntime(
    base,
    {
      ...imageEffects({ store: store, imagePath }),
      plan: planEffect({
        store,
        imagePath,
        capabilities,
        linkTo,
        default_codec: config.transfers.codec,
        stream: config.transfers.stream,
      }),
      send: sendEffect({
        store,
        imagePath,
        waitForData: (session, options) => required(late.server).waitForData(session, options),
        estimate: estimateStreamBytes,
        children,
        progress,
        clock: system_clock,
        stall_timeout_ms: config.transfers.stall_timeout_s * 1_000,
      }),
    },
    onFatal,
  );
  const repository: ImageRepository = new ImageRepository({
    runtime,
    storage,
    store,
    mountpoint: base.mountpoint,
    makes_directories: false,
    assertNotInUse: (image, number) => required(late.desk).assertNotInUse(image, number),
  });
  const postman = new Postman(storage, runtime, masterMessageCheck(storage));
  const reports = new TransferReports(storage, progress, 'transfer', base.name);
  const desk = new TransferDesk({
    runtime,
    storage,
    repository,
    reports,
    resolveReplicas: (to) => operations.resolveReplicas(to),
    instance: base.instance,
    failures_max: config.transfers.failures_max,
  });
  const linkAddress = (): string => `${config.listen.host}:${late.server?.port ?? config.listen.port}`;
  const operations: MasterOperations = new MasterOperations({
    base,
    runtime,
    repository,
    reports,
    desk,
    linkTo,
    linkAddress,
  });
  Object.assign(late, { postman, desk });
  return { runtime, postman, operations, late };
}

function required<T>(part: T | undefined): T {
  if (part === undefined)
    throw new IcbdError('NotAllowedNow', 'the node is starting', { operation: 'start' });
  return part;
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
  const { tls_cert, tls_key } = config.listen;
  const tls =
    tls_cert === undefined || tls_key === undefined
      ? undefined
      : { cert: readFileSync(tls_cert), key: readFileSync(tls_key) };
  const base = await openNodeBase({ ...config, log });
  const { runtime, postman, operations, late } = assemble(base, config, onFatal);
  const closing: (() => void | Promise<void>)[] = [base.close];
  const stop = async (): Promise<void> => {
    for (const close of closing.toReversed()) await close();
  };
  try {
    runtime.start();
    closing.push(() => runtime.close());
    configureReplicas(runtime, config);
    const server = await createLinkServer({
      host: config.listen.host,
      port: config.listen.port,
      ...(tls === undefined ? {} : { tls }),
      node: base.name,
      instance: base.instance,
      capabilities: base.capabilities,
      clock: system_clock,
      randomBytes: base.randomBytes,
      secretOf: (node) => secrets.get(node),
      handlers: linkHandlers(runtime, postman, log),
      log: (entry) => logTransport(log, entry),
    });
    closing.push(() => server.close());
    late.server = server;
    const control = await startControlServer(config.control.socket, controlRoutes(operations), (error) =>
      log.error({ err: error }, 'control request failed'),
    );
    closing.push(() => control.close());
    log.info({ links: operations.linkAddress, control: config.control.socket }, 'master ready');
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
