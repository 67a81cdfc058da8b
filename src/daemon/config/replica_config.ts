import { z } from 'zod';
import {
  absolutePath,
  control,
  history,
  linkUrl,
  log,
  name_client,
  name_server_port,
  nodeName,
  port,
  seconds,
} from './parts.js';
import { readConfig } from './read_config.js';

const master = z
  .strictObject({
    /** Left out: asked of the name server. */
    url: linkUrl.optional(),
    secret_file: absolutePath,
    tls_ca: absolutePath.optional(),
    /** Links go through an ssh tunnel to this host, which connects to `url`. */
    via: z
      .string()
      .regex(/^ssh:\/\/[^@/\s-][^@/\s]*@(\[[0-9a-fA-F:.]+\]|[^\s:@/-][^\s:@/]*)(:[0-9]{1,5})?$/, {
        error: 'must be ssh://USER@HOST or ssh://USER@HOST:PORT',
      })
      .optional(),
    /** `all`: every link. `asked`: only the data links of transfers that were sent with `--ssh`. */
    via_for: z.enum(['all', 'asked']).default('all'),
    ssh_key: absolutePath.optional(),
    ssh_known_hosts: absolutePath.optional(),
  })
  .refine(
    ({ via, ssh_key, ssh_known_hosts }) =>
      via === undefined || (ssh_key !== undefined && ssh_known_hosts !== undefined),
    { error: 'via needs ssh_key and ssh_known_hosts: nobody is there to be asked' },
  );

const names = z
  .strictObject({
    ...name_client,
    /** Look for the name server: on this machine, and then by broadcast. */
    discover: z.boolean().default(false),
    broadcast_port: port.default(name_server_port),
    broadcast_address: z.ipv4().default('255.255.255.255'),
  })
  .prefault({});

const schema = z
  .strictObject({
    name: nodeName,
    mountpoint: absolutePath,
    state_dir: absolutePath,
    auto_add_images: z.boolean().default(false),
    master,
    names,
    control: control('/run/icbdrep/replica.sock'),
    transfers: z
      .strictObject({
        stall_timeout_s: seconds.default(300),
        checkpoint_mib: z.int().min(1).max(1_048_576).default(256),
        checkpoint_s: seconds.default(30),
        /** Snapshots that are received at a time; more are told to come again later. */
        receptions_max: z.int().min(1).max(1_000).default(16),
      })
      .prefault({}),
    history,
    log,
  })
  .refine(
    ({ master: { url }, names: { server, discover } }) =>
      url !== undefined || server !== undefined || discover,
    { path: ['master', 'url'], error: 'is needed where neither names.server nor names.discover is set' },
  );

export type ReplicaConfig = z.infer<typeof schema>;

/** @throws IcbdError `InvalidConfig` that names every wrong key and value */
export function loadReplicaConfig(file: string): ReplicaConfig {
  return readConfig(schema, file);
}
