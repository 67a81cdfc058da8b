import { IcbdError } from '../../core/errors.js';
import { identityOf } from '../../core/lineage.js';
import type { ControlLink } from '../../core/link.js';
import type {
  AcceptReport,
  CheckRequest,
  NodeReport,
  PingReport,
  ShutdownMode,
  ShutdownReport,
} from '../../core/node_report.js';
import { limits } from '../../core/limits.js';
import type { ImageRepository } from '../images/image_repository.js';
import type { NodeSelf } from '../node_self.js';
import { type Fleet, master_number } from './fleet.js';
import type { NodeChoice, NodeOperations } from './operations.js';

/** Who shuts a node down by way of the control API. */
const operator_name = 'an operator';

async function timed(node: string, ask: () => Promise<unknown>): Promise<PingReport> {
  const started_ms = performance.now();
  await ask();
  return {
    node,
    answer: 'pong',
    round_trip_ms: Math.round((performance.now() - started_ms) * 1_000) / 1_000,
  };
}

const ping = (link: ControlLink): Promise<unknown> =>
  link.request({ method: 'ping', params: {} }, { timeout_ms: limits.request_ms });

/** The master, and any replica by way of its link. */
export function fleetNodes(fleet: Fleet, self: NodeSelf, name: string): NodeOperations {
  return {
    get: (node) => fleet.on<NodeReport, 'node.show'>(node, 'node.show', {}, () => self.report()),
    ping: async (node) => {
      if (node === undefined || fleet.isMaster(node)) return timed(name, async () => undefined);
      const link = fleet.linkTo(node);
      return timed(link.peer.node, () => ping(link));
    },
    shutdown: (node, mode) =>
      fleet.on<ShutdownReport, 'node.shutdown'>(node, 'node.shutdown', { mode }, () =>
        self.shutdown(mode, operator_name),
      ),
  };
}

/** A replica itself; its master can be pinged. */
export function ownNode(
  self: NodeSelf,
  name: string,
  master: () => ControlLink | undefined,
  refuse: (what: string) => IcbdError,
): NodeOperations {
  const assertOwn = (node: NodeChoice): void => {
    if (node !== undefined && node !== name) throw refuse(`asking the node ${node}`);
  };
  return {
    get: async (node) => {
      assertOwn(node);
      return self.report();
    },
    ping: async (node) => {
      if (node === undefined || node === name) return timed(name, async () => undefined);
      const link = master();
      if (node !== master_number && node !== link?.peer.node) throw refuse(`asking the node ${node}`);
      if (link === undefined) {
        throw new IcbdError('LinkLost', 'the link to the master is down', {
          operation: 'ping',
          subject: node,
        });
      }
      return timed(link.peer.node, () => ping(link));
    },
    shutdown: async (node, mode: ShutdownMode) => {
      assertOwn(node);
      return self.shutdown(mode, operator_name);
    },
  };
}

/** Asks each replica whether it would take the snapshots; nothing is sent. */
export async function checkSend(
  fleet: Fleet,
  repository: ImageRepository,
  { image, numbers, to }: CheckRequest,
): Promise<AcceptReport[]> {
  repository.require(image);
  const replicas = fleet.resolveAll(to);
  const wanted: { readonly image: string; readonly number: string; readonly uuid: string }[] = [];
  for (const number of numbers) {
    const snapshot = await repository.snapshot(image, number);
    wanted.push({ image, number, uuid: identityOf(snapshot) });
  }
  return Promise.all(replicas.flatMap((node) => wanted.map((snapshot) => askWhether(fleet, node, snapshot))));
}

async function askWhether(
  fleet: Fleet,
  node: string,
  wanted: { readonly image: string; readonly number: string; readonly uuid: string },
): Promise<AcceptReport> {
  try {
    return (await fleet.ask(node, 'node.accepts', wanted)) as AcceptReport;
  } catch (thrown) {
    const error = IcbdError.from(thrown, 'check', node);
    const { image, number } = wanted;
    return { node, image, number, accepts: false, reason: 'unreachable', error: error.toReport() };
  }
}
