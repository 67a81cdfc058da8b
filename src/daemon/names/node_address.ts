/** Where others reach this node, as it registers it. */
import { hostname, networkInterfaces } from 'node:os';

const wildcards = new Set(['0.0.0.0', '::', '']);

/** The first address by which others may reach this machine; its host name if it has none. */
function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = all.filter(({ internal }) => !internal);
  return outside.find(({ family }) => family === 'IPv4')?.address ?? hostname();
}

/** Address of a link server. @param listen its host as configured, and the port that it has */
export function linkAddress(listen: {
  readonly host: string;
  readonly port: number;
  readonly has_tls: boolean;
}): string {
  const host = wildcards.has(listen.host) ? firstAddress() : listen.host;
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${listen.has_tls ? 'wss' : 'ws'}://${shown}:${String(listen.port)}`;
}

/** Address of a node that is not dialled: where its control API is, on its machine. */
export function socketAddress(control_socket: string): string {
  return `unix://${hostname()}${encodeURI(control_socket)}`;
}
