/** The keep-alive that a daemon has to answer itself. Both ends of a link may ask for it. */
import { z } from 'zod';
import { IcbdError } from '../../core/errors.js';
import type { ControlLink, LivenessRhythm, Request } from '../../core/link.js';

const ping_params = z.strictObject({
  interval_ms: z.int().min(1_000).max(86_400_000).optional(),
  missed_max: z.int().min(1).max(100).optional(),
});

/**
 * Answers a `ping`.
 * @param onRhythm told when the peer says how often it will ask, and after how many misses it gives the link up
 * @returns undefined for any other request
 * @throws IcbdError `InvalidMessage`
 */
export function answerPing(
  { method, params }: Request,
  onRhythm: (rhythm: LivenessRhythm) => void,
): Promise<'pong'> | undefined {
  if (method !== 'ping') return undefined;
  const result = ping_params.safeParse(params);
  if (!result.success) {
    throw new IcbdError('InvalidMessage', `ping: ${z.prettifyError(result.error)}`, {
      operation: 'answer request',
      subject: 'ping',
    });
  }
  const { interval_ms, missed_max } = result.data;
  if (interval_ms !== undefined && missed_max !== undefined) onRhythm({ interval_ms, missed_max });
  return Promise.resolve('pong');
}

/** On a replica, which watches its master as often as the master watches it. */
export function answerMastersPing(link: ControlLink, request: Request): Promise<'pong'> | undefined {
  return answerPing(request, (rhythm) => link.setRhythm(rhythm));
}

/** On a master, which watches its replicas as its own config says. */
export function answerReplicasPing(request: Request): Promise<'pong'> | undefined {
  return answerPing(request, () => undefined);
}
