/** What operators have done by the page, with a note of what came of it. */
import { IcbdError } from '../core/errors.js';
import type { SendRequest, TransferReport } from '../core/report.js';
import type { RedriveRequest } from '../core/verbs.js';
import { part, post } from './api.js';
import { transferPath } from './routes.js';
import { formatNumberOf } from './ui/format.js';
import { showToast } from './ui/toasts.js';

/** A note of an error, with its hint. */
export function tellError(thrown: unknown, what: string): void {
  const { message, hint } = IcbdError.from(thrown, what);
  showToast('bad', `${what}: ${message}${hint === '' ? '' : `. ${hint}`}`);
}

/** Starts transfers. @throws IcbdError why not */
export async function send(request: SendRequest): Promise<TransferReport[]> {
  const made = await post<TransferReport[]>('transfers', request);
  const [first] = made;
  if (first !== undefined) {
    const text =
      made.length === 1
        ? `Transfer ${first.id} of ${first.image} ${first.number} to ${first.replica} has begun`
        : `${formatNumberOf(made.length, 'transfer')} have begun`;
    showToast('good', text, made.length === 1 ? transferPath(first.id) : '/transfers');
  }
  return made;
}

/** Runs one again. @throws IcbdError why not */
export function redrive(id: string, request: RedriveRequest = {}): Promise<TransferReport> {
  return post<TransferReport>(`transfers/${part(id)}/redrive`, request);
}
