/** What the verbs are called, and what they do. */
import type { TransferReport } from '../../core/report.js';
import type { Verb, VerbReport } from '../../core/verbs.js';
import { formatBytes } from '../ui/format.js';

export interface VerbWords {
  readonly label: string;
  /** What it does. */
  readonly title: string;
}

export const verb_words: Readonly<Record<Verb, VerbWords>> = {
  pause: {
    label: 'Pause',
    title: 'Halt it until it is resumed; what the replica has of it is kept',
  },
  resume: { label: 'Resume', title: 'Go on where it was halted' },
  'retry-now': { label: 'Retry now', title: 'Do not wait any longer' },
  redrive: { label: 'Redrive…', title: 'Run it again' },
  fork: {
    label: 'Fork…',
    title: 'Make a new transfer out of this one, with another codec, parent or replica',
  },
  cancel: {
    label: 'Cancel…',
    title: 'End it, and remove what the replica has of it',
  },
};

/** The one that somebody who looks at it most likely wants; undefined: none. */
export function mainVerb(verbs: readonly VerbReport[]): Verb | undefined {
  const likely: readonly Verb[] = ['resume', 'redrive', 'retry-now'];
  return likely.find((verb) => verbs.some((report) => report.verb === verb && report.is_allowed));
}

/** What the replica has of it, as far as is known here, bytes of the stream. */
export function keptBytes({
  checkpoint_bytes,
  resumed_bytes,
  last_progress,
  progress,
}: TransferReport): number {
  const told = progress?.checkpoint_bytes ?? last_progress?.checkpoint_bytes ?? null;
  return checkpoint_bytes ?? told ?? resumed_bytes;
}

/** What is gone when it is thrown away, in a sentence. */
export function lossWords(transfer: TransferReport): string {
  const { replica } = transfer;
  const kept = keptBytes(transfer);
  if (kept === 0) return `As far as is known here, ${replica} has nothing of it on its disk.`;
  return `${formatBytes(kept)} of it that are on the disk of ${replica} are removed, and would have to be sent again.`;
}

const order: readonly Verb[] = ['pause', 'resume', 'retry-now', 'redrive', 'fork', 'cancel'];

/** As they stand beside each other: the one that ends it is the last. */
export function inOrder(verbs: readonly VerbReport[]): VerbReport[] {
  return verbs.toSorted((one, other) => order.indexOf(one.verb) - order.indexOf(other.verb));
}
