import type { Runtime } from '../../runtime/runtime.js';
import { ImageWatch } from './image_watch.js';
import type { NodeBase } from '../node_base.js';
import { system_clock } from '../system_clock.js';

/** Watches the images of a node whose runtime has been started; what does not go is logged. */
export function watchImages(base: NodeBase, runtime: Runtime): ImageWatch {
  const { storage, store, mountpoint, log } = base;
  return new ImageWatch({
    runtime,
    storage,
    store,
    mountpoint,
    clock: system_clock,
    onFailure: (error) => log.warn({ error: error.toReport() }, 'images are not watched'),
  });
}
