import { type ErrorCode, IcbdError } from './errors.js';

/** The connection broke, or the node at the other end stops. */
const codes = new Set<ErrorCode>(['LinkLost', 'Interrupted']);

/** Whether what was thrown only ended a link: what went over it can go on over the next one. */
export function isLinkLoss(thrown: unknown): boolean {
  return thrown instanceof IcbdError && codes.has(thrown.code);
}
