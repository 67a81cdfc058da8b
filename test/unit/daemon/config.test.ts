import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import { loadMasterConfig } from '../../../src/daemon/config/master_config.js';
import { loadReplicaConfig } from '../../../src/daemon/config/replica_config.js';
import { readSecret } from '../../../src/daemon/config/secret.js';

const minimal = 'mountpoint = "/srv/icbd"\nstate_dir = "/var/lib/icbdrep"\n';
const replica = `name = "r1"\n${minimal}[master]\nurl = "ws://127.0.0.1:9410"\nsecret_file = "/etc/secret"\n`;

function errorOf(work: () => unknown): IcbdError {
  try {
    work();
  } catch (error) {
    if (error instanceof IcbdError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('config files', () => {
  let directory: string;
  const write = (text: string, mode = 0o600): string => {
    const file = path.join(directory, 'file');
    rmSync(file, { force: true });
    writeFileSync(file, text, { mode });
    return file;
  };
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-config-'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  test('a minimal master gets the documented defaults', () => {
    expect(loadMasterConfig(write(minimal))).toMatchObject({
      name: 'master',
      listen: { host: '127.0.0.1', port: 9410 },
      control: { socket: '/run/icbdrep/master.sock' },
      transfers: {
        codec: 'none',
        stream: 'auto',
        slots_per_replica: 4,
        failures_max: 20,
        stall_timeout_s: 300,
      },
      log: { level: 'info' },
      replicas: [],
    });
  });

  const historyOf = (text: string) => loadMasterConfig(write(`${minimal}[history]\n${text}\n`)).history;

  test('ages are times with a unit, or never', () => {
    expect(historyOf('')).toEqual({ keep_settled: 7_776_000_000, keep_events: 7_776_000_000 });
    expect(historyOf('keep_settled = "12h"\nkeep_events = "never"')).toEqual({
      keep_settled: 43_200_000,
      keep_events: null,
    });
    for (const wrong of ['"90"', '"0d"', '"d"', '90', '"1.5d"']) {
      expect(errorOf(() => historyOf(`keep_settled = ${wrong}`)).message).toContain('history.keep_settled');
    }
  });

  test('an empty table means its defaults', () => {
    expect(loadMasterConfig(write(`${minimal}[control]\n[transfers]\n[log]\n`))).toEqual(
      loadMasterConfig(write(minimal)),
    );
  });

  test('a minimal replica gets the documented defaults', () => {
    expect(loadReplicaConfig(write(replica))).toMatchObject({
      auto_add_images: false,
      control: { socket: '/run/icbdrep/replica.sock' },
      transfers: { stall_timeout_s: 300, checkpoint_mib: 256, checkpoint_s: 30 },
    });
  });

  test.each([
    [`${minimal}colour = "red"`, 'colour'],
    [`${minimal}[transfers]\ncodec = "rot13"`, 'transfers.codec'],
    [`${minimal}[transfers]\nslots_per_replica = 0`, 'transfers.slots_per_replica'],
    [`${minimal}[listen]\nport = 70000`, 'listen.port'],
    [`${minimal}[listen]\ntls_cert = "/a"`, 'tls_cert and tls_key go together'],
    ['mountpoint = "srv"\nstate_dir = "/x"', 'mountpoint: must be an absolute path'],
    ['state_dir = "/x"', 'mountpoint'],
    [`name = "a/b"\n${minimal}`, 'name'],
    [
      `${minimal}[[replicas]]\nid = 1\nname = "a"\nsecret_file = "/s"\n[[replicas]]\nid = 1\nname = "b"\nsecret_file = "/s"`,
      'id 1 stands twice',
    ],
    [`${minimal}[[replicas]]\nid = 1\nname = "master"\nsecret_file = "/s"`, "the master's name"],
    [`${minimal}[[replicas]]\nid = 0\nname = "a"\nsecret_file = "/s"`, 'replicas.0.id'],
    ['mountpoint = ', 'line 1'],
  ])('refuses %j', (text, said) => {
    const error = errorOf(() => loadMasterConfig(write(text)));
    expect(error.code).toBe('InvalidConfig');
    expect(error.message).toContain(said);
    expect(error.hint).not.toBe('');
  });

  test.each(['http://host', 'ws://host/path', 'ws://', 'host:9410'])('a master cannot be at %j', (url) => {
    const text = replica.replace('ws://127.0.0.1:9410', url);
    expect(errorOf(() => loadReplicaConfig(write(text))).message).toContain('master.url');
  });

  test.each(['checkpoint_mib = 0', 'checkpoint_s = 0', 'checkpoint_mib = 1.5'])(
    'a replica refuses %j',
    (line) => {
      const text = `${replica}[transfers]\n${line}\n`;
      expect(errorOf(() => loadReplicaConfig(write(text))).message).toContain('transfers.checkpoint');
    },
  );

  test('a file that is not there', () => {
    expect(errorOf(() => loadMasterConfig('/nowhere/file')).message).toContain('cannot be read');
  });

  test('a secret is long, and private', () => {
    const secret = 's'.repeat(44);
    expect(readSecret(write(`${secret}\n`)).toString()).toBe(secret);
    expect(errorOf(() => readSecret(write(secret, 0o644))).hint).toContain('chmod 600');
    expect(errorOf(() => readSecret(write('short'))).message).toContain('shorter than 32 bytes');
    expect(errorOf(() => readSecret('/nowhere/file')).code).toBe('InvalidConfig');
  });
});
