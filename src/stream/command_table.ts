/**
 * What each command of a send stream has to say.
 * Source: `read_and_process_cmd` in btrfs-progs' `common/send-stream.c` for what `btrfs receive` reads, and the
 * kernel's `fs/btrfs/send.c` for what is sent besides.
 */
import { type attribute_types, command_types } from './constants.js';

export type CommandName = keyof typeof command_types;
export type AttributeName = keyof typeof attribute_types;

/** How the value of an attribute is read; `path` and `text` are bytes too, since names need not be UTF-8. */
export const attribute_kinds = {
  uuid: 'uuid',
  ctransid: 'uint64',
  ino: 'uint64',
  size: 'uint64',
  mode: 'uint64',
  uid: 'uint64',
  gid: 'uint64',
  rdev: 'uint64',
  ctime: 'time',
  mtime: 'time',
  atime: 'time',
  otime: 'time',
  xattr_name: 'text',
  xattr_data: 'bytes',
  path: 'path',
  path_to: 'path',
  /** The existing name in LINK, the target in SYMLINK: only the first is a path inside the subvolume. */
  path_link: 'text',
  file_offset: 'uint64',
  data: 'bytes',
  clone_uuid: 'uuid',
  clone_ctransid: 'uint64',
  clone_path: 'path',
  clone_offset: 'uint64',
  clone_len: 'uint64',
  fallocate_mode: 'uint32',
  fileattr: 'uint64',
  unencoded_file_len: 'uint64',
  unencoded_len: 'uint64',
  unencoded_offset: 'uint64',
  compression: 'uint32',
  encryption: 'uint32',
  verity_algorithm: 'uint8',
  verity_block_size: 'uint32',
  verity_salt_data: 'bytes',
  verity_sig_data: 'bytes',
} as const satisfies Record<AttributeName, string>;

export type AttributeKind = (typeof attribute_kinds)[AttributeName];

interface CommandSpec {
  /** The stream version that brought it. */
  readonly since: 1 | 2 | 3;
  /** Without these `btrfs receive` refuses the command. */
  readonly required: readonly AttributeName[];
  /** What some kernel sends besides, or what has a default. */
  readonly optional: readonly AttributeName[];
}

/** Kernels send them for all special files. */
const of_special_file = ['mode', 'rdev'] as const;

/** What CLONE adds: `clone_*` is the source, `path` and `file_offset` the destination. */
export const command_table = {
  subvol: { since: 1, required: ['path', 'uuid', 'ctransid'], optional: [] },
  snapshot: {
    since: 1,
    required: ['path', 'uuid', 'ctransid', 'clone_uuid', 'clone_ctransid'],
    optional: [],
  },
  mkfile: { since: 1, required: ['path', 'ino'], optional: [] },
  mkdir: { since: 1, required: ['path', 'ino'], optional: [] },
  mknod: { since: 1, required: ['path', 'ino', 'mode', 'rdev'], optional: [] },
  mkfifo: { since: 1, required: ['path', 'ino'], optional: of_special_file },
  mksock: { since: 1, required: ['path', 'ino'], optional: of_special_file },
  /** `path_link` is what the symlink says. */
  symlink: { since: 1, required: ['path', 'ino', 'path_link'], optional: [] },
  rename: { since: 1, required: ['path', 'path_to'], optional: [] },
  /** `path` is the new name, `path_link` the one that exists. */
  link: { since: 1, required: ['path', 'path_link'], optional: [] },
  unlink: { since: 1, required: ['path'], optional: [] },
  rmdir: { since: 1, required: ['path'], optional: [] },
  set_xattr: { since: 1, required: ['path', 'xattr_name', 'xattr_data'], optional: [] },
  remove_xattr: { since: 1, required: ['path', 'xattr_name'], optional: [] },
  write: { since: 1, required: ['path', 'file_offset', 'data'], optional: [] },
  clone: {
    since: 1,
    required: [
      'path',
      'file_offset',
      'clone_len',
      'clone_uuid',
      'clone_ctransid',
      'clone_path',
      'clone_offset',
    ],
    optional: [],
  },
  truncate: { since: 1, required: ['path', 'size'], optional: [] },
  chmod: { since: 1, required: ['path', 'mode'], optional: [] },
  chown: { since: 1, required: ['path', 'uid', 'gid'], optional: [] },
  utimes: { since: 1, required: ['path', 'atime', 'mtime', 'ctime'], optional: ['otime'] },
  end: { since: 1, required: [], optional: [] },
  update_extent: { since: 1, required: ['path', 'file_offset', 'size'], optional: [] },
  fallocate: { since: 2, required: ['path', 'fallocate_mode', 'file_offset', 'size'], optional: [] },
  fileattr: { since: 2, required: ['path', 'fileattr'], optional: [] },
  encoded_write: {
    since: 2,
    required: ['path', 'file_offset', 'unencoded_file_len', 'unencoded_len', 'unencoded_offset', 'data'],
    /** Without them: 0, which is none. */
    optional: ['compression', 'encryption'],
  },
  enable_verity: {
    since: 3,
    required: ['path', 'verity_algorithm', 'verity_block_size', 'verity_salt_data', 'verity_sig_data'],
    optional: [],
  },
} as const satisfies Record<CommandName, CommandSpec>;

const names = new Map(Object.entries(command_types).map(([name, type]) => [type as number, name]));

/** The command's name; undefined for a type that no version has. */
export function commandName(type: number): CommandName | undefined {
  return names.get(type) as CommandName | undefined;
}
