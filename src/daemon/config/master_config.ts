import { z } from 'zod';
import { codec_names } from '../../core/codecs.js';
import {
  absolutePath,
  control,
  history,
  listen,
  log,
  master_port,
  name_client,
  name_serving,
  nodeName,
  seconds,
} from './parts.js';
import { readConfig } from './read_config.js';

const transfers = z
  .strictObject({
    codec: z.enum(codec_names).default('none'),
    stream: z.enum(['auto', 'v1', 'v2']).default('auto'),
    slots_per_replica: z.int().min(1).max(64).default(4),
    failures_max: z.int().min(1).max(1_000).default(20),
    stall_timeout_s: seconds.default(300),
  })
  .prefault({});

const keep_alive = z
  .strictObject({
    interval_s: seconds.default(10),
    /** Keep-alives in a row without an answer after which a replica is offline. */
    tries: z.int().min(1).max(100).default(3),
    /** `ping`: its daemon answers. `connection`: its end of the link answers. */
    mode: z.enum(['ping', 'connection']).default('ping'),
  })
  .prefault({});

const names = z
  .strictObject({
    /** A name server inside this master. */
    serve: z.boolean().default(true),
    ...name_serving,
    /** One elsewhere, where this master registers. */
    ...name_client,
  })
  .refine((section) => section.server === undefined || section.secret_file !== undefined, {
    error: 'server needs the secret_file that it shares with this node',
  })
  .prefault({});

const schema = z
  .strictObject({
    name: nodeName.default('master'),
    mountpoint: absolutePath,
    state_dir: absolutePath,
    listen: listen(master_port),
    control: control('/run/icbdrep/master.sock'),
    transfers,
    keep_alive,
    names,
    history,
    log,
    replicas: z
      .array(z.strictObject({ id: z.int().min(1), name: nodeName, secret_file: absolutePath }))
      .default([]),
  })
  .superRefine((config, context) => {
    for (const key of ['id', 'name'] as const) {
      const values = config.replicas.map((replica) => replica[key]);
      const twice = values.find((value, index) => values.indexOf(value) !== index);
      if (twice !== undefined) {
        context.addIssue({ code: 'custom', path: ['replicas'], message: `${key} ${twice} stands twice` });
      }
    }
    if (config.replicas.some((replica) => replica.name === config.name)) {
      context.addIssue({ code: 'custom', path: ['replicas'], message: "a replica has the master's name" });
    }
  });

export type MasterConfig = z.infer<typeof schema>;

/** @throws IcbdError `InvalidConfig` that names every wrong key and value */
export function loadMasterConfig(file: string): MasterConfig {
  return readConfig(schema, file);
}
