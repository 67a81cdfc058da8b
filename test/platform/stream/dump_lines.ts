/** A stream as `btrfs receive --dump` of btrfs-progs 6.2 prints it, in UTC, from our own decoding. */
import type { StreamCommand, StreamTime } from '../../../src/stream/decode_command.js';

const letters: Readonly<Record<string, string>> = {
  '\u0007': 'a',
  '\b': 'b',
  '\u001b': 'e',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '\v': 'v',
  ' ': ' ',
  '\\': '\\',
};

/** As C does it in the locale C: what is not printable ASCII is octal. */
function escapePath(path: string): string {
  return Array.from(path, (character) => {
    const letter = letters[character];
    if (letter !== undefined) return `\\${letter}`;
    if (character >= ' ' && character <= '~') return character;
    return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  }).join('');
}

const latin = (bytes: Buffer): string => bytes.toString('latin1');

function showTime({ seconds }: StreamTime): string {
  return new Date(Number(seconds) * 1_000).toISOString().replace(/\.\d+Z$/, '+0000');
}

/** What stands behind the path; undefined for END, which is not printed. */
function showFields(fields: StreamCommand, root: string): string | undefined {
  switch (fields.command) {
    case 'end':
      return undefined;
    case 'subvol':
      return `uuid=${fields.uuid} transid=${fields.ctransid}`;
    case 'snapshot':
      return (
        `uuid=${fields.uuid} transid=${fields.ctransid} ` +
        `parent_uuid=${fields.clone_uuid} parent_transid=${fields.clone_ctransid}`
      );
    case 'mkfile':
    case 'mkdir':
    case 'mkfifo':
    case 'mksock':
    case 'unlink':
    case 'rmdir':
      return '';
    case 'mknod':
      return `mode=${fields.mode.toString(8)} dev=0x${fields.rdev.toString(16)}`;
    case 'symlink':
    case 'link':
      return `dest=${escapePath(latin(fields.path_link))}`;
    case 'rename':
      return `dest=${escapePath(`${root}/${latin(fields.path_to)}`)}`;
    case 'write':
      return `offset=${fields.file_offset} len=${fields.data.length}`;
    case 'clone':
      return (
        `offset=${fields.file_offset} len=${fields.clone_len} ` +
        `from=${root}/${latin(fields.clone_path)} clone_offset=${fields.clone_offset}`
      );
    case 'set_xattr':
      return `name=${latin(fields.xattr_name)} data=${latin(fields.xattr_data)} len=${fields.xattr_data.length}`;
    case 'remove_xattr':
      return `name=${latin(fields.xattr_name)}`;
    case 'truncate':
      return `size=${fields.size}`;
    case 'chmod':
      return `mode=${fields.mode.toString(8)}`;
    case 'chown':
      return `gid=${fields.gid} uid=${fields.uid}`;
    case 'utimes':
      return `atime=${showTime(fields.atime)} mtime=${showTime(fields.mtime)} ctime=${showTime(fields.ctime)}`;
    case 'update_extent':
      return `offset=${fields.file_offset} len=${fields.size}`;
    case 'fallocate':
      return `mode=${fields.fallocate_mode} offset=${fields.file_offset} len=${fields.size}`;
    case 'fileattr':
      return `fileattr=0x${fields.fileattr.toString(16)}`;
    case 'encoded_write':
      return (
        `offset=${fields.file_offset} len=${fields.data.length}, ` +
        `unencoded_file_len=${fields.unencoded_file_len}, unencoded_len=${fields.unencoded_len}, ` +
        `unencoded_offset=${fields.unencoded_offset}, compression=${fields.compression ?? 0}, ` +
        `encryption=${fields.encryption ?? 0}`
      );
    case 'enable_verity':
      throw new Error('no stream of version 1 or 2 has it');
  }
}

/** All lines of a stream of one subvolume. */
export function dumpLines(commands: readonly StreamCommand[]): string[] {
  let root = '.';
  return commands.flatMap((fields) => {
    if (fields.command === 'end') return [];
    const is_head = fields.command === 'subvol' || fields.command === 'snapshot';
    const path = escapePath(`${is_head ? '.' : root}/${latin(fields.path)}`);
    if (is_head) root = `./${latin(fields.path)}`;
    const rest = showFields(fields, root);
    const line = `${fields.command.padEnd(16)}${path}`;
    return [rest === '' ? line : `${line}${' '.repeat(Math.max(1, 32 - path.length))}${rest}`];
  });
}
