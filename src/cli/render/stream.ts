/** What `icbdrep stream` shows to people. */
import type { ShownCommand } from '../../tools/stream_inspect.js';
import type { CommandCount, StreamSummary } from '../../tools/stream_summary.js';
import type { VerifiedSubvolume } from '../../tools/stream_verify.js';
import { renderTable } from './table.js';
import { counted } from './text.js';
import { formatBytes } from './units.js';
import type { View } from './view.js';

/** Offset, command, path, and the other fields; one line, and nothing in it that a terminal would obey. */
export function renderCommand({ offset_bytes, command, ...others }: ShownCommand): string {
  const { length_bytes: _, path, ...fields } = others;
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  const where = path === undefined ? [] : [path === '' ? '.' : String(path)];
  return `${String(offset_bytes).padStart(12)}  ${[command.padEnd(13), ...where, ...shown].join(' ').trimEnd()}\n`;
}

export function renderVerified(subvolume: VerifiedSubvolume): string {
  const { name, uuid, kind, parent_uuid, commands, stream_bytes, stream_xxh3, stream_version } = subvolume;
  const parent = parent_uuid === '' ? '' : ` from ${parent_uuid}`;
  const size = `${counted(commands, 'command')}, ${stream_bytes} bytes`;
  return `${name}  ${uuid}  ${kind}${parent}, version ${stream_version}, ${size}, xxh3 ${stream_xxh3}\n`;
}

const numbers = ({ commands, bytes }: CommandCount): string[] => [String(commands), formatBytes(bytes)];

/** So many paths are shown; `--json` has all. */
const paths_shown_max = 20;

export function renderSummary(summary: StreamSummary, view: View): string {
  const { by_command, by_path, commands, stream_bytes, other_paths } = summary;
  const counts = [
    { title: 'COMMANDS', align: 'right' },
    { title: 'BYTES', align: 'right' },
  ] as const;
  const command_rows = by_command.map((count) => [count.command, ...numbers(count)]);
  const total = ['all', String(commands), formatBytes(stream_bytes)];
  const path_rows = by_path
    .slice(0, paths_shown_max)
    .map((count) => [...numbers(count), count.path === '' ? '.' : count.path]);
  const more = by_path.length - path_rows.length;
  const rest = other_paths.commands > 0 ? ', and those of which too many were seen to count them' : '';
  return [
    renderTable([{ title: 'COMMAND' }, ...counts], [...command_rows, total], view),
    path_rows.length === 0 ? '' : `\n${renderTable([...counts, { title: 'PATH' }], path_rows, view)}`,
    more > 0 ? `and ${counted(more, 'more path')} with fewer bytes${rest}\n` : '',
  ].join('');
}
