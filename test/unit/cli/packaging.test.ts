import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadMasterConfig } from '../../../src/daemon/config/master_config.js';
import { loadNameServerConfig } from '../../../src/daemon/config/name_server_config.js';
import { loadReplicaConfig } from '../../../src/daemon/config/replica_config.js';

const packaging = new URL('../../../packaging/', import.meta.url);

/** Reads the example as it is, and with all keys that are commented out; those without a default stay out. */
function loadBoth<T>(role: 'master' | 'replica' | 'nameserver', load: (file: string) => T): [T, T] {
  const directory = mkdtempSync(join(tmpdir(), 'icbdrep-packaging-'));
  const text = readFileSync(new URL(`${role}.example.toml`, packaging), 'utf8');
  const all = text.replaceAll(
    /^#(?!tls_|ssh_|via |server |address |secret_file |listen |token_file |format )([a-z_]+ = )/gm,
    '$1',
  );
  expect(all).not.toBe(text);
  try {
    writeFileSync(join(directory, 'all.toml'), all);
    return [load(join(packaging.pathname, `${role}.example.toml`)), load(join(directory, 'all.toml'))];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Every key that a config has, as `listen.port`. */
function keysOf(value: object, before = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? keysOf(inner, `${before}${key}.`)
      : [`${before}${key}`],
  );
}

test('the example of the master is valid, and what it shows as defaults are the defaults', () => {
  const [as_is, all] = loadBoth('master', loadMasterConfig);
  expect(all).toEqual(as_is);
  expect(keysOf(as_is)).toContain('transfers.stall_timeout_s');
});

test('the example of a replica is valid, and what it shows as defaults are the defaults', () => {
  const [as_is, all] = loadBoth('replica', loadReplicaConfig);
  expect(all).toEqual(as_is);
});

test('the example of a name server is valid, and what it shows as defaults are the defaults', () => {
  const [as_is, all] = loadBoth('nameserver', loadNameServerConfig);
  expect(all).toEqual(as_is);
});

test.each([
  ['master', loadMasterConfig],
  ['replica', loadReplicaConfig],
  ['nameserver', loadNameServerConfig],
] as const)('the example of the %s shows every key', (role, load: (file: string) => object) => {
  const text = readFileSync(new URL(`${role}.example.toml`, packaging), 'utf8');
  for (const key of keysOf(loadBoth(role, load)[0])) {
    expect(text).toMatch(new RegExp(`^#?${key.split('.').at(-1)} = |^\\[\\[${key}\\]\\]`, 'm'));
  }
});

test.each(['master', 'replica', 'nameserver'])(
  'the unit of the %s starts what its example configures',
  (role) => {
    const unit = readFileSync(new URL(`icbdrepd-${role}.service`, packaging), 'utf8');
    expect(unit).toContain(`ExecStart=icbdrepd ${role} --config /etc/icbdrep/${role}.toml\n`);
    const example = readFileSync(new URL(`${role}.example.toml`, packaging), 'utf8');
    const [, state_dir] = /^state_dir = "\/var\/lib\/(.*)"$/m.exec(example) ?? [];
    expect(unit).toContain(`StateDirectory=${state_dir}\n`);
    expect(unit).toContain('RuntimeDirectory=icbdrep\n');
  },
);
