import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { confinedTo, whyNotConfined } from '../btrfs/confinement.js';
import type { IcbdError } from '../core/errors.js';
import type { LinkHandlers } from '../core/link.js';
import type { EffectHandler } from '../runtime/ports.js';
import type { Runtime } from '../runtime/runtime.js';
import { createLinkClient } from '../transport/link_client.js';
import { tokenFiles } from './config/parts.js';
import type { ReplicaConfig } from './config/replica_config.js';
import { readSecret } from './config/secret.js';
import { startControlServer } from './control/server.js';
import { DataLinks } from './data_links.js';
import { imageEffects } from './effects/image_effects.js';
import { receptionEffects } from './effects/reception_effects.js';
import { makeEventFeed } from './event_feed_source.js';
import { makeReplicaProbes } from './fleet/make_probes.js';
import { ImageRepository } from './images/image_repository.js';
import { watchImages } from './images/image_watch_start.js';
import { logTransport, logUnsendable } from './logging.js';
import { ReplicaNames } from './names/replica_names.js';
import type { RunningNode } from './node_process.js';
import { startPruner } from './pruning/pruner.js';
import { NodeSelf } from './node_self.js';
import { NodeStop } from './node_stop.js';
import { type NodeBase, makeRuntime, openNodeBase } from './node_base.js';
import { type Answering, answerRequest } from './node_requests.js';
import { withinTime } from '../pipeline/within_time.js';
import { replicaMessageCheck } from './peer_messages.js';
import { Postman } from './postman.js';
import { Admission } from './reception_admission.js';
import { answerMastersPing } from './requests/ping_requests.js';
import { namesFoundBy } from './operations/name_operations.js';
import { replicaOperations } from './operations/replica_operations.js';
import { system_clock } from './system_clock.js';
import { TransferReports } from './transfer_reports.js';
import { connectThrough, makeTunnel } from './ssh/replica_tunnel.js';
import { targetOf } from './ssh/ssh_command.js';
import { SnapshotScans } from './verify/snapshot_scans.js';

/** States of a reception in which it works. */
const working_states = ['preparing', 'ready', 'receiving', 'publishing'];
/** States in which it counts against `receptions_max`. */
const holding_states = [...working_states, 'disconnected'];
/** Longest time that an orderly stop waits until what came is on disk, ms. */
const keep_ms_max = 15_000;

/** Receptions that wait for the link, or that want to know whether it is worth to dial again. */
const linked_states = ['receiving', 'disconnected'];

function linkHandlers(
  base: NodeBase,
  runtime: Runtime,
  postman: Postman,
  names: ReplicaNames,
  answering: Answering,
  config: ReplicaConfig,
): LinkHandlers {
  const { storage, log } = base;
  const tellReceptions = (event: { readonly type: 'link.up' | 'link.down' }): void => {
    for (const record of storage.actors.list({ kind: 'reception', states: linked_states, limit: 10_000 })) {
      runtime.deliver(record, event, { kind: 'daemon', what: 'link to the master' });
    }
  };
  return {
    onUp: (link) => {
      log.info({ master: link.peer.node, address: link.peer.address }, 'link up');
      postman.attach(link);
      names.controlUp(link);
      tellReceptions({ type: 'link.up' });
    },
    onDown: (link, reason) => {
      log.info({ master: link.peer.node, reason: reason.message }, 'link down');
      postman.detach(link);
      names.controlDown(link);
      tellReceptions({ type: 'link.down' });
    },
    onMessage: (link, message) => postman.receive(link, message),
    onAcknowledged: (link, message_id) => postman.acknowledged(link, message_id),
    onRequest: (link, request) =>
      answerMastersPing(link, request) ??
      answerRequest(answering, link.peer.node, request, config.auto_add_images),
  };
}

/** Whether what `btrfs receive` does here can be confined by the kernel. */
async function canConfine({ mountpoint, log }: NodeBase): Promise<boolean> {
  const reason = await whyNotConfined(mountpoint);
  if (reason !== undefined) {
    const hint =
      'it needs root, Linux 5.10 and util-linux 2.38; until then the replica has to trust its master';
    log.warn({ reason, hint }, 'btrfs receive runs without confinement');
  }
  return reason === undefined;
}

/** What is needed to stop in order, and to say no meanwhile. */
function makeStop(base: NodeBase, runtime: Runtime, repository: ImageRepository, config: ReplicaConfig) {
  const { name: node, storage, store } = base;
  const receptions = (states: readonly string[]) =>
    storage.actors.list({ kind: 'reception', states, limit: 100_000 });
  const stop = new NodeStop({
    node,
    running: () => receptions(working_states).length,
    onAsked: () => undefined,
    onChange: (look) => void runtime.subscribe(look),
  });
  const admission = new Admission({
    node,
    running: (except) => receptions(holding_states).filter(({ id }) => id !== except).length,
    store,
    repository,
    auto_add_images: config.auto_add_images,
    receptions_max: config.transfers.receptions_max,
    isStopping: () => stop.is_stopping,
  });
  return { stop, admission };
}

function assemble(
  base: NodeBase,
  config: ReplicaConfig,
  is_confined: boolean,
  onFatal: (error: IcbdError) => void,
) {
  const { storage, store, progress, children, log } = base;
  const { stall_timeout_s, checkpoint_mib, checkpoint_s } = config.transfers;
  const { secret_file, tls_ca, via = null, via_for } = config.master;
  // Filled below, before the runtime starts: effects need parts that need the runtime.
  const handlers: Record<string, EffectHandler> = {};
  const runtime = makeRuntime(base, handlers, onFatal);
  const repository = new ImageRepository({
    runtime,
    storage,
    store,
    mountpoint: base.mountpoint,
    makes_directories: true,
  });
  const postman = new Postman(storage, runtime, replicaMessageCheck(), (message, error) =>
    logUnsendable(log, message, error),
  );
  const scans = new SnapshotScans({ repository, clock: system_clock, randomBytes: base.randomBytes });
  const { stop, admission } = makeStop(base, runtime, repository, config);
  const self = new NodeSelf({
    base,
    role: 'replica',
    dataAddress: () => ({ url: names.known_master_url, via }),
    stop,
    onNumbered: () => names.refresh(),
  });
  const names = new ReplicaNames(base, config, () => self.node_id);
  const answering: Answering = { repository, scans, clock: system_clock, self, admission };
  const tunnel = makeTunnel(config, { children, clock: system_clock, log });
  const client = createLinkClient({
    url: () => names.masterUrl(),
    ...(tunnel === undefined ? {} : { connectThrough: connectThrough(tunnel, via_for) }),
    ...(tls_ca === undefined ? {} : { tls_ca: readFileSync(tls_ca) }),
    node: base.name,
    instance: base.instance,
    secret: readSecret(secret_file),
    capabilities: base.capabilities,
    clock: system_clock,
    randomBytes: base.randomBytes,
    handlers: linkHandlers(base, runtime, postman, names, answering, config),
    onRefused: (reason) => log.error({ error: reason.toReport() }, 'the master refuses this node'),
    log: (entry) => {
      if (entry.kind === 'dial_failed') names.masterLost();
      logTransport(log, entry);
    },
  });
  const data_links = new DataLinks();
  Object.assign(
    handlers,
    imageEffects({ store, imagePath: (image) => repository.path(image) }),
    receptionEffects({
      admission,
      data_links,
      store,
      repository,
      has_tunnel: tunnel !== undefined,
      openData: data_links.opening((session, options) => client.openData(session, options)),
      children,
      progress,
      clock: system_clock,
      stall_timeout_ms: stall_timeout_s * 1_000,
      checkpoint_bytes: checkpoint_mib * 1024 * 1024,
      checkpoint_ms: checkpoint_s * 1_000,
      confine: is_confined ? confinedTo : () => [],
    }),
  );
  const reports = new TransferReports(storage, progress, 'reception', base.name);
  const operations = replicaOperations({
    base,
    runtime,
    repository,
    self,
    reports,
    client,
    tunnelReport: () => tunnel?.report,
    masterUrl: () => names.known_master_url,
    names: namesFoundBy(() => names.service()),
    doctor_places: {
      state_dir: config.state_dir,
      secret_files: [secret_file, ...tokenFiles(config.control)],
    },
  });
  return { runtime, client, tunnel, names, operations, scans, data_links, stop };
}

/**
 * Starts a replica node. It need not reach its master: it keeps trying.
 * @throws IcbdError `InvalidConfig`, and what `openNodeBase` and the control server throw; then nothing runs and
 *   nothing is held
 */
export async function startReplica(
  config: ReplicaConfig,
  log: Logger,
  onFatal: (error: IcbdError) => void,
): Promise<RunningNode> {
  readSecret(config.master.secret_file);
  const base = await openNodeBase({ ...config, log });
  const closing: (() => void | Promise<void>)[] = [base.close];
  const stop = async (): Promise<void> => {
    for (const close of closing.toReversed()) await close();
  };
  try {
    const node = assemble(base, config, await canConfine(base), onFatal);
    const { runtime, client, operations, scans } = node;
    const { probes, close: closeProbes } = makeReplicaProbes({
      base,
      runtime,
      isLinked: () => client.link !== undefined,
      isStopping: () => node.stop.is_stopping,
    });
    runtime.start();
    closing.push(
      closeProbes,
      () => runtime.close(),
      () => scans.close(),
    );
    const watch = watchImages(base, runtime);
    const pruner = startPruner(base, config.history);
    closing.push(
      () => watch.close(),
      () => pruner.close(),
    );
    const control = await startControlServer({
      operations,
      feed: makeEventFeed({ role: 'replica', base, runtime, operations }),
      probes,
      control: config.control,
      log,
    });
    closing.push(() => control.close());
    base.page_url = control.url;
    const { url } = config.master;
    // Also one that no link needs yet, so that an operator sees whether it would stand.
    if (url !== undefined) node.tunnel?.start(targetOf(url));
    closing.push(() => node.tunnel?.stop());
    node.names.start();
    // After the link to the master, whose end begins to look for the name server again.
    closing.push(() => node.names.stop());
    client.start();
    // Without the control link, what lets go of its data link waits for the next start.
    closing.push(
      () => withinTime(node.data_links.letGo(), keep_ms_max, system_clock).then(() => undefined),
      () => client.stop(),
    );
    log.info(
      { master: config.master.url, control: config.control.socket, page: control.url },
      'replica ready',
    );
    return { stop, stop_due: node.stop.due };
  } catch (error) {
    await stop();
    throw error;
  }
}
