/** What may be registered, and by whom. */
import { IcbdError } from '../../core/errors.js';
import type { NameReport } from '../../core/name_report.js';
import {
  type NameCaller,
  name_of_master,
  name_of_name_server,
  nameOfReplica,
  replica_name_prefix,
} from '../../core/name_service.js';

const name_bytes_max = 255;
const address_bytes_max = 2_048;
const metadata_max = 64;
const metadata_bytes_max = 255;
/** Longest lease, s: a year. */
const lease_s_max = 366 * 86_400;

/** Owner of what operators register. */
export const operator_owner = 'operator';

const operation = 'name server';
const control = /\p{Cc}/u;
const lone_surrogate = /\p{Surrogate}/u;

function invalid(what: string, value: string, why: string, hint: string): never {
  const shown = value.length > 80 ? `${value.slice(0, 80)}...` : value;
  throw new IcbdError('InvalidArgument', `${what} ${JSON.stringify(shown)} ${why}`, {
    operation,
    subject: shown,
    hint,
  });
}

function checkText(what: string, text: string, bytes_max: number, hint: string): void {
  if (text === '') invalid(what, text, 'is empty', hint);
  if (control.test(text)) invalid(what, text, 'contains a control character', hint);
  if (lone_surrogate.test(text)) invalid(what, text, 'is not well-formed Unicode', hint);
  if (Buffer.byteLength(text) > bytes_max) invalid(what, text, `is longer than ${bytes_max} bytes`, hint);
}

/** @throws IcbdError `InvalidArgument` */
export function checkName(name: string): void {
  const hint = `a name is one word of at most ${name_bytes_max} bytes, for example vm.storage.1`;
  checkText('the name', name, name_bytes_max, hint);
  // In a path, both mean something else.
  if (name === '.' || name === '..') invalid('the name', name, 'is not a word', hint);
  if (/\s/u.test(name)) invalid('the name', name, 'contains a space', hint);
}

const host_and_port = /^(\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+):([0-9]{1,5})$/;
const absolute_uri = /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/;

/** @throws IcbdError `InvalidArgument` for what is no URI and no `host:port` */
export function checkAddress(address: string): void {
  const hint = 'for example ws://10.0.0.5:9410, or 10.0.0.5:9410';
  checkText('the address', address, address_bytes_max, hint);
  const port = host_and_port.exec(address)?.[2];
  if (port !== undefined && Number(port) <= 65_535) return;
  const is_uri = port === undefined && absolute_uri.test(address);
  const is_link = /^wss?:/i.test(address);
  if (!is_uri || (is_link && !(URL.canParse(address) && /^wss?:\/\/[^/]/i.test(address)))) {
    invalid('the address', address, 'is no URL and no HOST:PORT', hint);
  }
}

/**
 * @returns the words, sorted, none twice
 * @throws IcbdError `InvalidArgument`
 */
export function checkMetadata(metadata: readonly string[]): string[] {
  const hint = `metadata is up to ${metadata_max} words of at most ${metadata_bytes_max} bytes`;
  for (const word of metadata) checkText('the metadata', word, metadata_bytes_max, hint);
  const words = [...new Set(metadata)].toSorted();
  if (words.length > metadata_max) {
    invalid('the metadata', words.join(','), `has more than ${metadata_max} words`, hint);
  }
  return words;
}

/** @throws IcbdError `InvalidArgument` */
export function checkLease(lease_s: number | null): void {
  if (lease_s === null || (Number.isInteger(lease_s) && lease_s >= 1 && lease_s <= lease_s_max)) return;
  invalid('the lease', String(lease_s), `is not from 1 to ${lease_s_max} s`, 'for example 60');
}

export function ownerOf({ role, node }: NameCaller): string {
  return role === 'operator' ? operator_owner : node;
}

/** Of names that are kept for certain nodes: whether they are kept for this one; undefined for all other names. */
function isKeptFor(name: string, { node, role }: NameCaller): boolean | undefined {
  if (name === name_of_master) return role === 'master';
  if (name.startsWith(replica_name_prefix)) return role === 'master' || name === nameOfReplica(node);
  return undefined;
}

/** Whether `caller` may overwrite, change or remove what is registered. */
export function mayChange(caller: NameCaller, { name, owner }: NameReport): boolean {
  if (name === name_of_name_server) return false;
  if (caller.role === 'operator') return true;
  return isKeptFor(name, caller) ?? owner === ownerOf(caller);
}

/** @throws IcbdError `NotPermitted` */
export function assertMayChange(caller: NameCaller, report: NameReport): void {
  if (mayChange(caller, report)) return;
  const { name, owner } = report;
  const is_own_entry = name === name_of_name_server;
  throw new IcbdError(
    'NotPermitted',
    is_own_entry ? `${name} is the name server's own entry` : `${name} belongs to ${owner}`,
    {
      operation,
      subject: name,
      hint: is_own_entry
        ? 'it stays as long as there is a name server'
        : 'only its owner and operators may change it: ask at the socket of the name server',
    },
  );
}

/** @throws IcbdError `NotPermitted` for a name that is kept for somebody else */
export function assertMayRegister(caller: NameCaller, name: string): void {
  const refuse = (message: string, hint: string): never => {
    throw new IcbdError('NotPermitted', message, { operation, subject: name, hint });
  };
  if (name === name_of_name_server) refuse(`${name} is the name server's own entry`, 'choose another name');
  if (caller.role === 'operator') return;
  if (caller.node === operator_owner) {
    refuse(
      `a node that is called ${operator_owner} cannot own names`,
      'give the node another name: operators own names under this one',
    );
  }
  if (isKeptFor(name, caller) === false) {
    const whom =
      name === name_of_master ? 'masters' : `the replica ${name.slice(replica_name_prefix.length)}`;
    refuse(`${name} is kept for ${whom}`, 'choose another name');
  }
}
