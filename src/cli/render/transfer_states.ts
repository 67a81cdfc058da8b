/** What happens next in each state of a transfer and, as a replica tells it, of a reception. */
import type { TransferReport } from '../../core/report.js';
import { formatRelative, formatTime } from './units.js';

const next_by_state = {
  queued: ({ replica, image }) =>
    `it starts when ${replica} is online and earlier transfers of ${image} to it are done`,
  planning: () => 'it is offered to the replica',
  starting_over: () => 'it is offered to the replica again, which then has nothing of it',
  offering: () => 'it sends when the replica has answered',
  sending: () => 'the replica compares the hash of the stream and gives the snapshot its name',
  disconnected: () => 'it goes on where it was when the replica is back',
  confirming: () => 'it is completed when the replica says that the snapshot is on disk',
  resting: () => 'it tries again by itself',
  paused: ({ id }) => `nothing until an operator resumes it: icbdrep transfer resume ${id}`,
  scheduled: () => 'it is run again at its time',
  cancelling: () => 'it is cancelled when the replica has cleaned up',
  completed: () => 'nothing: it is done',
  failed: ({ id }) => `nothing by itself; when the cause is mended: icbdrep transfer redrive ${id}`,
  held: () => 'what was received is kept until the transfer is run again or cancelled',
  cancelled: () => 'nothing: an operator ended it',
  idle: () => 'it waits for the offer of the master',
  preparing: () => 'it answers the offer of the master',
  ready: () => 'it receives when the master starts the stream',
  receiving: () => 'the hash of the stream is compared, then the snapshot gets its name',
  publishing: () => 'the snapshot gets its name when it is on disk',
  cleaning: () => 'the master may offer it again',
  unclean: () => 'it tries again to clean up',
  refused: () => 'the master may offer it again',
} satisfies Record<string, (transfer: TransferReport) => string>;

/** All states that a transfer or a reception can be in, as lists show them. */
export const transfer_states: readonly string[] = [...Object.keys(next_by_state), 'parked'];

function isKnown(state: string): state is keyof typeof next_by_state {
  return Object.hasOwn(next_by_state, state);
}

/** What happens next with a transfer, and when, in words. */
export function describeNext(transfer: TransferReport, now_ms: number): string {
  const { state, parked_reason, next_at_ms, settled } = transfer;
  if (parked_reason !== '') {
    return `nothing by itself; when its cause is gone: icbdrep transfer redrive ${transfer.id}`;
  }
  // A newer daemon may have states that are not known here; it describes them itself.
  const words: string = isKnown(state) ? next_by_state[state](transfer) : transfer.state_description;
  if (next_at_ms === null || settled) return words;
  const when = `${formatTime(next_at_ms)} (${formatRelative(next_at_ms, now_ms)})`;
  if (state === 'resting' || state === 'unclean' || state === 'scheduled') return `${words} at ${when}`;
  const [first] = transfer.timers;
  return `${words}; if that has not happened by ${when}: ${first?.meaning ?? 'it tries again'}`;
}

/** The state for a list: `parked` goes before all others, for nothing happens then. */
export function shownState(transfer: TransferReport): string {
  return transfer.parked_reason === '' ? transfer.state : 'parked';
}
