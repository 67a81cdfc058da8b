import { isConnected } from '../../actors/replica.js';
import { IcbdError } from '../../core/errors.js';
import type { VerifyRuns } from '../verify/verify_runs.js';
import type { Fleet } from './fleet.js';
import type { VerifyOperations } from './operations.js';

/** Comparing the master's snapshots with their copies. */
export function verifyOperations(fleet: Fleet, runs: VerifyRuns): VerifyOperations {
  return {
    start: async (image, number, node) => {
      if (node === undefined) {
        const named = (wanted: boolean): string[] =>
          fleet
            .replicas()
            .filter(({ state }) => isConnected(state) === wanted)
            .map(({ context }) => context.name);
        return runs.start(image, number, { online: named(true), offline: named(false), is_named: false });
      }
      if (fleet.isMaster(node)) {
        throw new IcbdError('InvalidArgument', `${node} is the master, which the copies are compared with`, {
          operation: 'verify snapshot',
          subject: node,
          hint: 'name a replica, or none for all',
        });
      }
      const { name } = fleet.resolve(node);
      fleet.linkTo(name);
      return runs.start(image, number, { online: [name], offline: [], is_named: true });
    },
    report: async (id) => runs.report(id),
    cancel: async (id) => runs.cancel(id),
  };
}
