/** Values that no kernel writes into a stream, whatever the files are. */
import type { StreamCommand } from './decode_command.js';

/** The largest offset in a file that Linux knows (`loff_t`). */
const file_bytes_max = 2n ** 63n - 1n;
/**
 * The most data that one compressed extent stands for (`BTRFS_MAX_UNCOMPRESSED`); `btrfs receive` allocates what the
 * command says if it has to decompress.
 */
const unencoded_bytes_max = 128n * 1024n;
/** `BTRFS_ENCODED_IO_COMPRESSION_TYPES`: none, zlib, zstd, and five of lzo. */
const compression_types = 8;
const mode_max = 0o7777n;
const id_max = 2n ** 32n - 1n;
const name_bytes_max = 255;
const target_bytes_max = 4095;

const file_type_mask = 0o170000n;
const character_device = 0o020000n;
const block_device = 0o060000n;

function exceedsFile(offset: bigint, length: bigint): string | undefined {
  return offset + length > file_bytes_max ? `it reaches byte ${offset + length} of a file` : undefined;
}

function checkName(what: string, name: Buffer, bytes_max: number): string | undefined {
  if (name.length === 0) return `${what} is empty`;
  if (name.length > bytes_max) return `${what} has ${name.length} bytes, over ${bytes_max}`;
  return name.includes(0) ? `${what} has a NUL in it` : undefined;
}

function checkEncoded(fields: Extract<StreamCommand, { command: 'encoded_write' }>): string | undefined {
  const { file_offset, unencoded_file_len, unencoded_len, unencoded_offset } = fields;
  if (unencoded_len > unencoded_bytes_max) return `it decompresses to ${unencoded_len} bytes`;
  if (unencoded_offset + unencoded_file_len > unencoded_len) return 'it takes more than it decompresses to';
  if ((fields.compression ?? 0) >= compression_types) return `compression ${fields.compression} is unknown`;
  if ((fields.encryption ?? 0) !== 0) return `encryption ${fields.encryption} is unknown`;
  return exceedsFile(file_offset, unencoded_file_len);
}

type Check<Name extends StreamCommand['command']> = (
  fields: Extract<StreamCommand, { command: Name }>,
) => string | undefined;

const checkXattr = (fields: { readonly xattr_name: Buffer }): string | undefined =>
  checkName('the name of the xattr', fields.xattr_name, name_bytes_max);

const checks: { readonly [Name in StreamCommand['command']]?: Check<Name> } = {
  write: ({ file_offset, data }) => exceedsFile(file_offset, BigInt(data.length)),
  encoded_write: checkEncoded,
  clone: ({ file_offset, clone_offset, clone_len }) =>
    exceedsFile(file_offset, clone_len) ?? exceedsFile(clone_offset, clone_len),
  fallocate: ({ file_offset, size }) => exceedsFile(file_offset, size),
  truncate: ({ size }) => exceedsFile(size, 0n),
  update_extent: () =>
    'it comes in a stream without data (btrfs send --no-data), which would make a snapshot of empty files',
  symlink: ({ path_link }) => checkName('the target', path_link, target_bytes_max),
  set_xattr: checkXattr,
  remove_xattr: checkXattr,
  mknod: ({ mode }) => {
    const type = mode & file_type_mask;
    return type === character_device || type === block_device ? undefined : 'it makes no device';
  },
  chmod: ({ mode }) =>
    mode > mode_max ? `the mode ${mode.toString(8)} has more than permissions` : undefined,
  chown: ({ uid, gid }) => (uid > id_max || gid > id_max ? 'an owner is no 32-bit number' : undefined),
};

/** @returns why the command is refused for its values; paths are not looked at */
export function checkFields(fields: StreamCommand): string | undefined {
  const check = checks[fields.command] as Check<StreamCommand['command']> | undefined;
  return check?.(fields);
}
