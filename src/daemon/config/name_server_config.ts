import { z } from 'zod';
import { absolutePath, control, listen, log, name_server_port, name_serving, nodeName } from './parts.js';
import { readConfig } from './read_config.js';

const schema = z
  .strictObject({
    name: nodeName.default('names'),
    state_dir: absolutePath,
    listen: listen(name_server_port),
    control: control('/run/icbdrep/nameserver.sock'),
    names: z.strictObject(name_serving).prefault({}),
    log,
    nodes: z
      .array(
        z.strictObject({
          name: nodeName,
          secret_file: absolutePath,
          /** A master may tell of the replicas that it reaches or not. */
          role: z.enum(['master', 'replica']),
        }),
      )
      .default([]),
  })
  .superRefine((config, context) => {
    const names = [config.name, ...config.nodes.map(({ name }) => name)];
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice === undefined) return;
    context.addIssue({ code: 'custom', path: ['nodes'], message: `name ${twice} stands twice` });
  });

export type NameServerConfig = z.infer<typeof schema>;

/** @throws IcbdError `InvalidConfig` that names every wrong key and value */
export function loadNameServerConfig(file: string): NameServerConfig {
  return readConfig(schema, file);
}
