import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { TomlError, parse } from 'smol-toml';
import { z } from 'zod';
import { codec_names } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';
import { checkNodeName } from '../core/names.js';

/** Shortest secret that is accepted, in bytes. */
const secret_bytes_min = 32;

const nodeName = z.string().refine(
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
const absolutePath = z
  .string()
  .refine((text) => path.isAbsolute(text), { error: 'must be an absolute path' });
const port = z.int().min(0).max(65_535);
const seconds = z.int().min(1).max(86_400);

const log = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});
const control = (socket: string) => z.strictObject({ socket: absolutePath.default(socket) }).prefault({});

const masterSchema = z
  .strictObject({
    name: nodeName.default('master'),
    mountpoint: absolutePath,
    state_dir: absolutePath,
    listen: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1'),
        port: port.default(9410),
        tls_cert: absolutePath.optional(),
        tls_key: absolutePath.optional(),
      })
      .refine((listen) => (listen.tls_cert === undefined) === (listen.tls_key === undefined), {
        error: 'tls_cert and tls_key go together',
      })
      .prefault({}),
    control: control('/run/icbdrep/master.sock'),
    transfers: z
      .strictObject({
        codec: z.enum(codec_names).default('none'),
        stream: z.enum(['auto', 'v1', 'v2']).default('auto'),
        slots_per_replica: z.int().min(1).max(64).default(4),
        failures_max: z.int().min(1).max(1_000).default(20),
        stall_timeout_s: seconds.default(300),
      })
      .prefault({}),
    log: log.prefault({}),
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

const replicaSchema = z.strictObject({
  name: nodeName,
  mountpoint: absolutePath,
  state_dir: absolutePath,
  auto_add_images: z.boolean().default(false),
  master: z.strictObject({
    url: z.string().refine((text) => /^wss?:\/\/[^/]+\/?$/.test(text) && URL.canParse(text), {
      error: 'must be ws://HOST:PORT or wss://HOST:PORT',
    }),
    secret_file: absolutePath,
    tls_ca: absolutePath.optional(),
  }),
  control: control('/run/icbdrep/replica.sock'),
  transfers: z
    .strictObject({
      stall_timeout_s: seconds.default(300),
      checkpoint_mib: z.int().min(1).max(1_048_576).default(256),
      checkpoint_s: seconds.default(30),
    })
    .prefault({}),
  log: log.prefault({}),
});

export type MasterConfig = z.infer<typeof masterSchema>;
export type ReplicaConfig = z.infer<typeof replicaSchema>;

function invalid(file: string, message: string, cause?: unknown): IcbdError {
  return new IcbdError('InvalidConfig', `${file}: ${message}`, {
    operation: 'read config',
    subject: file,
    hint: 'packaging/ holds an example with every key; `--check` only checks',
    cause,
  });
}

function readToml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(file, `cannot be read: ${(error as Error).message}`, error);
  }
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw invalid(file, `line ${error.line}, column ${error.column}: ${error.message.split('\n')[0]}`, error);
  }
}

function check<T>(schema: z.ZodType<T>, file: string): T {
  const result = schema.safeParse(readToml(file));
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => {
    const where = issue.path.map(String).join('.');
    return where === '' ? issue.message : `${where}: ${issue.message}`;
  });
  throw invalid(file, issues.join('; '), result.error);
}

/** @throws IcbdError `InvalidConfig` that names every wrong key and value */
export function loadMasterConfig(file: string): MasterConfig {
  return check(masterSchema, file);
}

/** @throws IcbdError `InvalidConfig` that names every wrong key and value */
export function loadReplicaConfig(file: string): ReplicaConfig {
  return check(replicaSchema, file);
}

/**
 * The secret that two nodes share.
 * @throws IcbdError `InvalidConfig` when the file cannot be read, is shorter than 32 bytes, or is readable by
 *   users other than its owner
 */
export function readSecret(file: string): Buffer {
  let secret: Buffer;
  try {
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new IcbdError('InvalidConfig', `${file} can be read by other users`, {
        operation: 'read secret',
        subject: file,
        hint: `chmod 600 ${file}`,
      });
    }
    secret = Buffer.from(readFileSync(file, 'utf8').trim());
  } catch (error) {
    if (error instanceof IcbdError) throw error;
    throw new IcbdError('InvalidConfig', `cannot read the secret: ${(error as Error).message}`, {
      operation: 'read secret',
      subject: file,
      hint: 'make one: head -c 32 /dev/urandom | base64 > FILE; chmod 600 FILE; the same on both nodes',
      cause: error,
    });
  }
  if (secret.length < secret_bytes_min) {
    throw new IcbdError('InvalidConfig', `the secret in ${file} is shorter than ${secret_bytes_min} bytes`, {
      operation: 'read secret',
      subject: file,
      hint: 'make one: head -c 32 /dev/urandom | base64 > FILE; the same on both nodes',
    });
  }
  return secret;
}
