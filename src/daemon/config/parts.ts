/** Sections that the configs of several roles share. */
import { isIPv4 } from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import { checkNodeName } from '../../core/names.js';

/** Port of a master's links. */
export const master_port = 9_410;
/** Port of a name server of its own, and UDP port of broadcasts. */
export const name_server_port = 9_409;

export const nodeName = z.string().refine(
  (name) => {
    try {
      checkNodeName(name);
      return true;
    } catch {
      return false;
    }
  },
  { error: 'must be one word: no "/", no control characters, not starting with "." or "-"' },
);

export const absolutePath = z
  .string()
  .refine((text) => path.isAbsolute(text), { error: 'must be an absolute path' });

export const port = z.int().min(0).max(65_535);
export const seconds = z.int().min(1).max(86_400);

export const linkUrl = z.string().refine((text) => /^wss?:\/\/[^/]+\/?$/.test(text) && URL.canParse(text), {
  error: 'must be ws://HOST:PORT or wss://HOST:PORT',
});

export const log = z
  .strictObject({
    level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
    /** Default: pretty on a terminal, JSON everywhere else. */
    format: z.enum(['json', 'pretty']).optional(),
  })
  .prefault({});

/** `127.0.0.1:9411`, `[::1]:9411`, `name:9411`. */
const listen_address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.%]+\]|[^\s:/[\]]+):[0-9]{1,5}$/, { error: 'must be HOST:PORT' })
  .transform((text) => {
    const colon = text.lastIndexOf(':');
    return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port: number }) => number <= 65_535, { error: 'has a port above 65535' });

/** Whether only programs of this machine reach it. */
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

/** The control API: on a unix socket, and if it is wanted over TCP. */
export const control = (socket: string) =>
  z
    .strictObject({
      socket: absolutePath.default(socket),
      listen: listen_address.optional(),
      token_file: absolutePath.optional(),
      tls_cert: absolutePath.optional(),
      tls_key: absolutePath.optional(),
      /** Names that clients may know the node by, besides its address, `localhost`, `127.0.0.1` and `[::1]`. */
      allowed_hosts: z
        .array(z.string().regex(/^[^\s:/]+$/, { error: 'is a name without a port' }))
        .default([]),
    })
    .refine(({ tls_cert, tls_key }) => (tls_cert === undefined) === (tls_key === undefined), {
      error: 'tls_cert and tls_key go together',
    })
    .refine(({ listen: wanted, token_file }) => wanted === undefined || token_file !== undefined, {
      path: ['token_file'],
      error: 'is needed with listen: who knows the token in it can do everything',
    })
    .refine(
      ({ listen: wanted, tls_cert }) =>
        wanted === undefined || isLoopback(wanted.host) || tls_cert !== undefined,
      {
        path: ['listen'],
        error:
          'needs tls_cert and tls_key where others can listen on the way; or listen on 127.0.0.1 and go through ssh -L',
      },
    )
    .prefault({});

export type ControlConfig = z.infer<ReturnType<typeof control>>;

/** The file of the token, in a list: empty if it is not needed. */
export const tokenFiles = ({ token_file }: ControlConfig): string[] =>
  token_file === undefined ? [] : [token_file];

export const listen = (default_port: number) =>
  z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(default_port),
      tls_cert: absolutePath.optional(),
      tls_key: absolutePath.optional(),
    })
    .refine(({ tls_cert, tls_key }) => (tls_cert === undefined) === (tls_key === undefined), {
      error: 'tls_cert and tls_key go together',
    })
    .prefault({});

const unit_ms = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** `90d`, in m, h, d or w, as milliseconds; `never` as null. */
const age = z.string().transform((text, context): number | null => {
  if (text === 'never') return null;
  const [, count, unit] = /^([1-9]\d{0,5})([mhdw])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return Number(count) * unit_ms[unit as keyof typeof unit_ms];
  context.addIssue({ code: 'custom', message: 'must be a time such as 12h, 90d or 52w, or never' });
  return z.NEVER;
});

/** What is forgotten after a while; what failed or is parked never is. */
export const history = z
  .strictObject({
    /** Completed and cancelled transfers. */
    keep_settled: age.prefault('90d'),
    /** Events of images and replicas. */
    keep_events: age.prefault('90d'),
  })
  .prefault({});

/** How a name server serves. */
export const name_serving = {
  /** Answer broadcasts that look for a name server; never done on loopback. */
  broadcast: z.boolean().default(false),
  broadcast_port: port.default(name_server_port),
  /** How often registrations that were not renewed are looked for. */
  auto_clean_s: seconds.default(10),
  /** A registration is removed when its node could not be reached for so long. */
  unreachable_s: seconds.default(300),
};

/** How a node finds the name server and registers there. */
export const name_client = {
  server: linkUrl.optional(),
  secret_file: absolutePath.optional(),
  tls_ca: absolutePath.optional(),
  /** Where others reach this node; default: made from where it listens. */
  address: linkUrl.optional(),
  lease_s: seconds.default(60),
};
