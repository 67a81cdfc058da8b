import { chmod } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ErrorReport } from '../../../src/core/errors.js';
import { Fleet, type FleetNode, until } from '../../support/fleet.js';
import { SshServer } from '../../support/ssh_server.js';

describe('a tunnel that cannot be', () => {
  let server: SshServer;
  let fleet: Fleet;
  let replica: FleetNode;

  beforeAll(async () => {
    server = await SshServer.start();
    fleet = await Fleet.make({ size_mb: 256, replica: { master: server.masterLines('all') } });
    replica = fleet.replica(0);
    await fleet.master.start();
  });
  afterAll(async () => {
    await fleet?.dispose();
    await server?.dispose();
  });

  beforeEach(async () => {
    await server.trusted('itself');
    await server.letIn(true);
    await chmod(server.key_file, 0o600);
    await server.stop();
    await server.run();
  });

  /** Starts the replica as it is now; returns why its tunnel is not of use. */
  async function reason(): Promise<ErrorReport> {
    await replica.stop();
    await replica.start();
    let error: ErrorReport | null | undefined;
    await until(
      async () => {
        error = (await replica.client.status()).tunnel?.error;
        return error !== null && error !== undefined;
      },
      () => `the tunnel to fail:\n${replica.logTail()}`,
    );
    return error as ErrorReport;
  }

  /** What an operator sees of it, on the replica and in its log. */
  async function isTold({ message, hint }: ErrorReport): Promise<void> {
    const { checks } = await replica.client.doctor();
    const check = checks.find(({ name }) => name === 'ssh tunnel');
    expect(check).toMatchObject({ status: 'fail', hint });
    expect(check?.text).toContain(message);
    expect(replica.logTail(100)).toContain(JSON.stringify(message).slice(1, -1));
    expect((await replica.client.status()).is_linked).toBe(false);
  }

  test.each([
    ['another key than the known one', 'another', /REMOTE HOST IDENTIFICATION HAS CHANGED/],
    ['a key that nobody knows', 'nobody', /No ED25519 host key is known for .* strict checking/],
  ] as const)('a server with %s is never logged in to', async (_what, trusted, said) => {
    await server.trusted(trusted);
    const error = await reason();
    expect(error).toMatchObject({ code: 'TunnelFailed', retryable: false, operation: 'ssh tunnel' });
    expect(error.message).toMatch(said);
    expect(error.hint).toContain(`ssh-keyscan -p ${server.port} 127.0.0.1`);
    await isTold(error);
    expect(server.logins).toBe(0);
  });

  test('a key that the server does not let in', async () => {
    await server.letIn(false);
    const error = await reason();
    expect(error).toMatchObject({ code: 'TunnelFailed', retryable: false });
    expect(error.message).toContain('Permission denied (publickey');
    expect(error.hint).toContain('authorized_keys');
    await isTold(error);
    expect(server.logins).toBe(0);
  });

  test('a key that others can read is not used', async () => {
    await chmod(server.key_file, 0o644);
    const error = await reason();
    expect(error).toMatchObject({ code: 'TunnelFailed', retryable: false, subject: server.key_file });
    expect(error.hint).toBe(`chmod 600 ${server.key_file}`);
    await isTold(error);
  });

  test('a server that forwards nothing', async () => {
    await server.stop();
    await server.run({ forwards: false });
    const error = await reason();
    expect(error).toMatchObject({ code: 'TunnelFailed', retryable: false });
    expect(error.message).toContain('administratively prohibited');
    expect(error.hint).toContain('AllowTcpForwarding');
    await isTold(error);
  });

  test('a master that is down; when it is back, all goes on', async () => {
    await fleet.master.stop();
    const error = await reason();
    expect(error).toMatchObject({ code: 'TunnelFailed', retryable: true });
    expect(error.message).toContain('Connection refused');
    expect(error.hint).toContain('does the master run');
    await isTold(error);
    await fleet.master.start();
    await fleet.untilOnline();
    expect((await replica.client.status()).tunnel).toMatchObject({ state: 'up', error: null });
  });
});
