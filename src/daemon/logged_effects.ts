import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import { IcbdError } from '../core/errors.js';
import type { EffectHandler } from '../runtime/ports.js';
import { logEffectEnd, logEffectStart } from './logging.js';

/** The same handler, with a line in the log when it begins and when it has ended, however that was. */
function logged(handler: EffectHandler, log: Logger): EffectHandler {
  return async (effect, tools) => {
    const started_ms = performance.now();
    const duration_ms = (): number => Math.round(performance.now() - started_ms);
    logEffectStart(log, effect);
    try {
      const event = await handler(effect, tools);
      const status = tools.signal.aborted ? 'stopped' : 'done';
      logEffectEnd(log, effect, { status, duration_ms: duration_ms() });
      return event;
    } catch (thrown) {
      const error = IcbdError.from(thrown, effect.kind, effect.id).toReport();
      const status = tools.signal.aborted ? 'stopped' : 'failed';
      logEffectEnd(log, effect, { status, duration_ms: duration_ms(), error });
      throw thrown;
    }
  };
}

/** Handlers by kind, as the runtime takes them; one that is added later is logged too. */
export function loggedEffects(
  handlers: Readonly<Record<string, EffectHandler>>,
  log: Logger,
): Readonly<Record<string, EffectHandler>> {
  const known = new Map<EffectHandler, EffectHandler>();
  return new Proxy(handlers, {
    get: (all, kind: string) => {
      const handler = all[kind];
      if (handler === undefined) return undefined;
      const made = known.get(handler) ?? logged(handler, log);
      known.set(handler, made);
      return made;
    },
  });
}
