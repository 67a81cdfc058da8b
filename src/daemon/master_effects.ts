import { estimateStreamBytes } from '../btrfs/estimate.js';
import type { EffectHandler } from '../runtime/ports.js';
import type { Runtime } from '../runtime/runtime.js';
import type { LinkServer } from '../transport/link_server.js';
import type { MasterConfig } from './config/master_config.js';
import { imageEffects } from './effects/image_effects.js';
import { planEffect } from './effects/plan.js';
import { sendEffect } from './effects/send.js';
import type { ImageRepository } from './images/image_repository.js';
import type { LiveStreams } from './live_streams.js';
import type { NodeBase } from './node_base.js';
import type { Postman } from './postman.js';
import { system_clock } from './system_clock.js';

/** States in which a transfer may go on with the `btrfs send` that runs for it. */
const streaming_states = new Set(['sending', 'disconnected']);

/** A `btrfs send` that waits for a link ends when its transfer does not want it any more. */
export function dropUnwanted(runtime: Runtime, live: LiveStreams): void {
  runtime.subscribe(({ events }) => {
    for (const { kind, id, state } of events) {
      if (kind === 'transfer' && !streaming_states.has(state)) void live.drop(id);
    }
  });
}

/** The effects of the actors on a master. */
export function masterEffects(
  base: NodeBase,
  config: MasterConfig,
  parts: {
    readonly repository: ImageRepository;
    readonly postman: Postman;
    readonly server: LinkServer;
    readonly live: LiveStreams;
  },
): Record<string, EffectHandler> {
  const { store, capabilities, children, progress } = base;
  const { codec, stream, stall_timeout_s } = config.transfers;
  const imagePath = (image: string): string => parts.repository.path(image);
  return {
    ...imageEffects({ store, imagePath }),
    plan: planEffect({
      store,
      imagePath,
      capabilities,
      linkTo: (node) => parts.postman.linkTo(node),
      default_codec: codec,
      stream,
    }),
    send: sendEffect({
      store,
      imagePath,
      waitForData: (session, options) => parts.server.waitForData(session, options),
      isLinked: (node) => parts.postman.isLinked(node),
      estimate: estimateStreamBytes,
      children,
      live: parts.live,
      progress,
      clock: system_clock,
      stall_timeout_ms: stall_timeout_s * 1_000,
    }),
  };
}
