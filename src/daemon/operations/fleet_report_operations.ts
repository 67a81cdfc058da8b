import { isConnected } from '../../actors/replica.js';
import type { Clock } from '../../core/clock.js';
import { type ThroughputRows, throughput_step_s } from '../../storage/throughput_rows.js';
import type { BoardReplica, FleetBoard } from '../fleet/fleet_board.js';
import type { Fleet } from './fleet.js';
import type { FleetOperations } from './operations.js';

/** How far back a report of throughput goes unless another time is asked for, seconds. */
const throughput_shown_s = 3_600;

export interface FleetReportOptions {
  readonly fleet: Fleet;
  readonly board: FleetBoard;
  readonly throughput: ThroughputRows;
  readonly clock: Clock;
}

/** The replicas as the board wants them. */
export function boardReplicas(fleet: Fleet): BoardReplica[] {
  return fleet.replicas().map(({ context: { name, node_id }, state }) => {
    return { name, node_id, state, is_online: isConnected(state) };
  });
}

/** Who has what, and how fast bytes go. */
export function fleetReportOperations({
  fleet,
  board,
  throughput,
  clock,
}: FleetReportOptions): FleetOperations {
  return {
    report: async () => board.report(boardReplicas(fleet)),
    throughput: async (replica, { since_s, step_s: wanted_s = throughput_step_s }) => {
      const { name } = fleet.resolve(replica);
      const step_s = Math.ceil(wanted_s / throughput_step_s) * throughput_step_s;
      const from_s = since_s ?? Math.floor(clock.now() / 1_000) - throughput_shown_s;
      return { replica: name, step_s, samples: throughput.sums(name, from_s, step_s) };
    },
  };
}
