/** Parses what `btrfs subvolume list` and `btrfs subvolume show` print with TZ=UTC. */
import { IcbdError } from '../core/errors.js';
import type { SubvolumeInfo } from './snapshot_store.js';

/** One line of `btrfs subvolume list -o -c -u -q -R`. */
export interface SubvolumeRow {
  readonly subvolume_id: number;
  readonly created_generation: number;
  readonly uuid: string;
  readonly parent_uuid: string;
  readonly received_uuid: string;
  /** Only with `-s`; undefined if it is not told. */
  readonly created_at_ms: number | undefined;
  /** From the top of the filesystem. */
  readonly path: string;
}

const row_pattern = new RegExp(
  [
    /^ID (\d+) gen \d+ cgen (\d+) (?:parent \d+ )?top level \d+ /,
    /(?:otime (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\S+) +)?/,
    /parent_uuid (\S+) +received_uuid (\S+) +uuid (\S+) +path (.*)$/,
  ]
    .map((part) => part.source)
    .join(''),
);

const uuid_pattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Missing values are printed as `-`. */
function orEmpty(value: string): string {
  return value === '-' ? '' : value.toLowerCase();
}

function timeOf(text: string): number | undefined {
  const [day, time] = text.split(' ');
  const parsed_ms = Date.parse(`${day}T${time}Z`);
  return Number.isNaN(parsed_ms) ? undefined : parsed_ms;
}

/** The rows that can be read; a line that cannot (a path with a line break makes some) is left out. */
export function parseSubvolumeList(stdout: string): SubvolumeRow[] {
  const rows: SubvolumeRow[] = [];
  for (const line of stdout.split('\n')) {
    const match = row_pattern.exec(line);
    if (match === null) continue;
    const [, id = '', cgen = '', otime = '', parent_uuid = '', received_uuid = '', uuid = '', path = ''] =
      match;
    if (!uuid_pattern.test(uuid)) continue;
    rows.push({
      subvolume_id: Number(id),
      created_generation: Number(cgen),
      uuid,
      parent_uuid: orEmpty(parent_uuid),
      received_uuid: orEmpty(received_uuid),
      created_at_ms: timeOf(otime),
      path,
    });
  }
  return rows;
}

/**
 * @param number the last component of the subvolume's path
 * @throws IcbdError `BtrfsFailed` if a field is missing
 */
export function parseSubvolumeShow(stdout: string, number: string): SubvolumeInfo {
  const fields = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const match = /^\t([A-Za-z() ]+):\s*(.*?)\s*$/.exec(line);
    // The first wins: what follows `Snapshot(s):` are paths.
    if (match?.[1] !== undefined && !fields.has(match[1])) fields.set(match[1], match[2] ?? '');
  }
  const field = (name: string): string => {
    const value = fields.get(name);
    if (value !== undefined) return value;
    throw new IcbdError('BtrfsFailed', `"btrfs subvolume show" prints no "${name}"`, {
      operation: 'btrfs subvolume show',
      subject: number,
      hint: 'this version of btrfs-progs is not understood; please report it with its output',
      retryable: false,
    });
  };
  // With TZ=UTC the zone is +0000.
  const created_at_ms = timeOf(field('Creation time').replace(/ [+-]\d{4}$/, '')) ?? 0;
  return {
    number,
    uuid: orEmpty(field('UUID')),
    received_uuid: orEmpty(field('Received UUID')),
    parent_uuid: orEmpty(field('Parent UUID')),
    created_generation: Number(field('Gen at creation')),
    created_at_ms,
    read_only: field('Flags')
      .split(/[\s,]+/)
      .includes('readonly'),
    subvolume_id: Number(field('Subvolume ID')),
  };
}
