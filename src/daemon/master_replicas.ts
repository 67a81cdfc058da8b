/** What a master does about its replicas: their actors, links and signs of life. */
import type { Logger } from 'pino';
import { IcbdError } from '../core/errors.js';
import type { ControlLink, LinkHandlers } from '../core/link.js';
import type { ActorAddress, EventCause } from '../core/records.js';
import type { Runtime } from '../runtime/runtime.js';
import type { MasterConfig } from './config/master_config.js';
import { KeepAlive } from './keep_alive.js';
import type { MasterNames } from './names/own_name_server.js';
import type { NodeBase } from './node_base.js';
import { NodeStop } from './node_stop.js';
import type { Postman } from './postman.js';
import { answerReplicasPing } from './requests/ping_requests.js';
import { system_clock } from './system_clock.js';

const replicaAddress = (name: string): ActorAddress => ({ kind: 'replica', id: name });
const configured: EventCause = { kind: 'daemon', what: 'config' };

/** States in which a transfer has a slot and works. */
const working_states = ['planning', 'starting_over', 'offering', 'sending', 'confirming'];

/** Tells every replica actor what the config says of it, and makes the ones that are new. */
export function configureReplicas(
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
export function makeKeepAlive(runtime: Runtime, { keep_alive }: MasterConfig): KeepAlive {
  return new KeepAlive({
    clock: system_clock,
    interval_ms: keep_alive.interval_s * 1_000,
    tries: keep_alive.tries,
    mode: keep_alive.mode,
    onChange: (node, event) =>
      runtime.deliver(replicaAddress(node), { ...event }, { kind: 'daemon', what: 'keep-alive' }),
  });
}

export function masterLinkHandlers(
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
export function makeMasterStop(
  { name, storage }: NodeBase,
  runtime: Runtime,
  config: MasterConfig,
): NodeStop {
  return new NodeStop({
    node: name,
    running: () => storage.actors.list({ kind: 'transfer', states: working_states, limit: 100_000 }).length,
    onAsked: () => configureReplicas(runtime, config, 0),
    onChange: (look) => void runtime.subscribe(look),
  });
}
