import type { NameService } from '../../core/name_service.js';

/**
 * The name server that a daemon's operators ask, looked for at every call: a link to one elsewhere comes and goes.
 * @param find throws IcbdError while there is none, and that is the answer
 */
export function namesFoundBy(find: () => NameService): NameService {
  return {
    register: async (registration, options) => find().register(registration, options),
    renew: async (options) => find().renew(options),
    lookup: async (name, options) => find().lookup(name, options),
    list: async (filter, options) => find().list(filter, options),
    remove: async (removal, options) => find().remove(removal, options),
    setMetadata: async (name, metadata, options) => find().setMetadata(name, metadata, options),
    removed: async (limit, options) => find().removed(limit, options),
    ping: async (options) => find().ping(options),
    report: async (change, options) => find().report(change, options),
  };
}
