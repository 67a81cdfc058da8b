/** What differs between two entries of the same path, in words. */
import type { TreeDifference } from '../../core/verify_report.js';
import { shownName } from '../../stream/shown_name.js';
import { type TreeEntry, decodeName } from './tree_entry.js';

/** Base64 of a path. */
export const joinPath = (directory: string, name: string): string =>
  directory === ''
    ? name
    : Buffer.concat([decodeName(directory), Buffer.from('/'), decodeName(name)]).toString('base64');

const shown = (base64: string): string => shownName(decodeName(base64));

type Finding = Omit<TreeDifference, 'path' | 'path_base64'>;

/** With the path that it is about. */
export function differenceAt(path: string, finding: Finding): TreeDifference {
  return { path: path === '' ? '.' : shown(path), path_base64: path, ...finding };
}

/** For example `2026-03-01T12:00:00.000000001Z`; seconds where no date reaches. */
export function formatNs(ns_text: string): string {
  const ns = BigInt(ns_text);
  const fraction = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (ns - fraction) / 1_000_000_000n;
  const digits = String(fraction).padStart(9, '0');
  const date = new Date(Number(seconds) * 1_000);
  if (Number.isNaN(date.getTime())) return `${seconds}.${digits} s`;
  return date.toISOString().replace(/\.\d{3}Z$/, `.${digits}Z`);
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

function linksOf({ links, first_link }: TreeEntry): string {
  return links === 1 ? 'one name' : `${links} names, the first is ${shown(first_link)}`;
}

function compareXattrs(master: TreeEntry, copy: TreeEntry): Finding[] {
  const [here, there] = [new Map(master.xattrs), new Map(copy.xattrs)];
  const names = [...new Set([...here.keys(), ...there.keys()])].toSorted();
  return names
    .filter((name) => here.get(name) !== there.get(name))
    .map((name) => ({
      what: 'xattr',
      xattr: shown(name),
      master: here.get(name) ?? 'none',
      copy: there.get(name) ?? 'none',
    }));
}

/** All but the content. @returns none if they are the same */
export function compareFacts(master: TreeEntry, copy: TreeEntry): Finding[] {
  if (master.type !== copy.type) return [{ what: 'type', master: master.type, copy: copy.type }];
  const pairs: [TreeDifference['what'], (entry: TreeEntry) => string][] = [
    ['size', ({ size_bytes }) => `${size_bytes} bytes`],
    ['mode', ({ mode }) => octal(mode)],
    ['owner', ({ uid, gid }) => `${uid}:${gid}`],
    ['mtime', ({ mtime_ns }) => formatNs(mtime_ns)],
    ['target', ({ target }) => shown(target)],
    ['device', ({ device }) => device],
    ['links', linksOf],
  ];
  const plain = pairs.flatMap(([what, tell]): Finding[] => {
    const [here, there] = [tell(master), tell(copy)];
    return here === there ? [] : [{ what, master: here, copy: there }];
  });
  return [...plain, ...compareXattrs(master, copy)];
}
