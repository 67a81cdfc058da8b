/** What a replica does with its tunnel: which links go through, and what an operator is told. */
import type { Logger } from 'pino';
import type { Clock } from '../../core/clock.js';
import type { DoctorCheck } from '../../core/doctor_report.js';
import type { TunnelReport } from '../../core/tunnel_report.js';
import type { ConnectThrough } from '../../transport/link_client.js';
import type { ChildRegistry } from '../child_registry.js';
import type { ReplicaConfig } from '../config/replica_config.js';
import { fail, ok, warn } from '../doctor/check.js';
import { parseVia, socketPlace, targetOf } from './ssh_command.js';
import { type TunnelLog, SshTunnel } from './ssh_tunnel.js';

function logTunnel(log: Logger, entry: TunnelLog): void {
  if (entry.kind === 'up') {
    const { target, pid, restarts } = entry;
    log.info({ target, pid, restarts }, 'ssh tunnel up');
    return;
  }
  const line = { error: entry.error.toReport() };
  if (entry.kind === 'blocked') log.warn(line, 'ssh tunnel up, but nothing gets through');
  else log.warn(line, 'ssh tunnel down');
}

/** The tunnel that the config asks for, not started; undefined if it asks for none. */
export function makeTunnel(
  { master, name, state_dir }: Pick<ReplicaConfig, 'master' | 'name' | 'state_dir'>,
  parts: { readonly children: ChildRegistry; readonly clock: Clock; readonly log: Logger },
): SshTunnel | undefined {
  const { via, ssh_key, ssh_known_hosts } = master;
  if (via === undefined || ssh_key === undefined || ssh_known_hosts === undefined) return undefined;
  return new SshTunnel({
    server: parseVia(via),
    key_file: ssh_key,
    known_hosts_file: ssh_known_hosts,
    place: socketPlace(state_dir),
    children: parts.children,
    clock: parts.clock,
    key: name,
    log: (entry) => logTunnel(parts.log, entry),
  });
}

/** Which links go through the tunnel. */
export function connectThrough(tunnel: SshTunnel, via_for: 'all' | 'asked'): ConnectThrough {
  return async (url, { is_tunnelled }) =>
    via_for === 'all' || is_tunnelled ? tunnel.ready(targetOf(url)) : undefined;
}

/** What `doctor` says of it. */
export function tunnelCheck(report: TunnelReport): DoctorCheck {
  const { via, target, state, restarts, error } = report;
  const name = 'ssh tunnel';
  if (error !== null) return fail(name, `${via}: ${error.message}`, error.hint);
  if (state === 'up') {
    const again = restarts === 0 ? '' : `; it was started again ${restarts} times`;
    return ok(name, `${via} leads to ${target}${again}`);
  }
  if (state === 'idle') return ok(name, `${via} was not needed yet`);
  return warn(name, `${via} is ${state}`, 'look again in a few seconds');
}
