/** Events of image actors that somebody waits for. */
import { IcbdError } from '../../core/errors.js';
import type { ActorAddress, EventCause, PlainEvent } from '../../core/records.js';
import type { Runtime } from '../../runtime/runtime.js';

const address = (image: string): ActorAddress => ({ kind: 'image', id: image });

/**
 * Delivers an event, and waits until all that it started has ended, well or not.
 * @param input to make the actor with if it is new
 */
export async function deliverAndWait(
  runtime: Runtime,
  image: string,
  event: PlainEvent,
  cause: EventCause,
  input?: unknown,
): Promise<void> {
  const commit = runtime.deliver(address(image), event, cause, input);
  await Promise.all(commit.effects.map((effect) => runtime.effectEnd(effect.id)));
}

/**
 * Delivers an event that starts one effect of this kind, and waits for its end.
 * @returns what it reported
 * @throws IcbdError `NotAllowedNow`, `Interrupted`, and what the effect failed with
 */
export async function workOn(
  runtime: Runtime,
  image: string,
  event: PlainEvent,
  effect: string,
  cause: EventCause,
): Promise<PlainEvent> {
  const commit = runtime.deliver(address(image), event, cause);
  const started = commit.effects.find(({ kind }) => kind === effect);
  if (started === undefined) {
    throw new IcbdError('NotAllowedNow', `the image ${image} cannot do that now`, {
      operation: event.type,
      subject: image,
      hint: `icbdrep image show ${image} tells its state`,
    });
  }
  const end = await runtime.effectEnd(started.id);
  if (end.status === 'done') return end.event;
  if (end.status === 'failed') throw IcbdError.fromReport(end.event['error'] as never);
  throw new IcbdError('Interrupted', 'the daemon stopped meanwhile', {
    operation: event.type,
    subject: image,
  });
}
