/** What happens next with a transfer, and what somebody who looks at it can do. */
import type { TransferReport } from '../../core/report.js';
import { formatDuration } from '../ui/format.js';

type Words = (transfer: TransferReport) => string;

const next_by_state: Readonly<Record<string, Words>> = {
  scheduled: () => 'It runs again when its time has come.',
  queued: ({ replica, image }) =>
    `It starts when ${replica} is online and earlier transfers of ${image} to it are done.`,
  planning: () => 'It is offered to the replica.',
  starting_over: () => 'It is offered to the replica anew, which then has nothing of it.',
  offering: () => 'It sends as soon as the replica has answered.',
  sending: () => 'The replica compares the hash of the stream, then gives the snapshot its name.',
  disconnected: () => 'It goes on where it was as soon as the replica is back.',
  confirming: () => 'It is completed when the replica says that the snapshot is on its disk.',
  resting: () => 'It tries again by itself.',
  paused: () => 'Nothing until somebody resumes it; what the replica has of it is kept.',
  cancelling: () => 'It is cancelled when the replica has cleaned up.',
  completed: () => 'Nothing: it is done.',
  failed: () => 'Nothing by itself. When the cause is mended, redrive it.',
  cancelled: () => 'Nothing by itself: an operator ended it.',
};

/** What happens next, in a sentence; empty for a state that this page does not know. */
export function nextWords(transfer: TransferReport): string {
  if (transfer.parked_reason !== '')
    return 'Nothing by itself while it is parked. When the cause is gone, redrive it.';
  return next_by_state[transfer.state]?.(transfer) ?? '';
}

/** Time until something happens: `in 3 min 20 s`, `now`; when it should have happened: `due for 12 s`. */
export function countdownWords(due_at_ms: number, now_ms: number): string {
  const left_s = Math.ceil((due_at_ms - now_ms) / 1_000);
  if (left_s > 0) return `in ${left_s < 60 ? `${left_s} s` : formatDuration(left_s)}`;
  return left_s > -3 ? 'now' : `due for ${formatDuration(-left_s)}`;
}

export interface FactWords {
  readonly name: string;
  readonly words: string;
}

function parentWords({ parent, plan_reason }: TransferReport): string {
  if (plan_reason === '') return '';
  const way = parent === null ? 'none, sent in full' : `${parent}, sent as an increment of it`;
  return `${way}: ${plan_reason}`;
}

/** Why this parent, and how the stream goes; facts that are not known are left out. */
export function planFacts(transfer: TransferReport): FactWords[] {
  const { codec, stream_version, ssh, hash } = transfer;
  const stream = [
    codec === null ? '' : `codec ${codec}`,
    stream_version === null ? '' : `stream version ${stream_version}`,
    ssh ? 'through ssh' : '',
  ];
  return [
    { name: 'Parent', words: parentWords(transfer) },
    { name: 'Stream', words: stream.filter((word) => word !== '').join(', ') },
    { name: 'Hash', words: hash === '' ? '' : `${hash} (XXH3), the same on both sides` },
  ].filter(({ words }) => words !== '');
}

/** Which attempt it is, and what went wrong so far. */
export function attemptWords({ attempt, failures, link_losses }: TransferReport): string {
  if (attempt === 0) return 'none yet';
  const losses = link_losses === 1 ? 'the link was lost once' : `the link was lost ${link_losses} times`;
  const parts = [
    `number ${attempt}`,
    failures === 0 ? '' : `${failures} failed in a row`,
    link_losses === 0 ? '' : losses,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
