/**
 * The numbers of the btrfs send stream.
 * Source: `kernel-shared/send.h` in btrfs-progs; the prose document on the stream stops at version 2.
 */

/** What a stream starts with; a u32 with its version follows. All numbers are little-endian. */
export const stream_magic = Buffer.from('btrfs-stream\0', 'latin1');
export const stream_header_bytes = stream_magic.length + 4;

/** u32 length of the payload, u16 type, u32 CRC. */
export const command_header_bytes = 10;
export const crc_offset_bytes = 6;

/** u16 type, u16 length. */
export const attribute_header_bytes = 4;

export const command_types = {
  subvol: 1,
  snapshot: 2,
  mkfile: 3,
  mkdir: 4,
  mknod: 5,
  mkfifo: 6,
  mksock: 7,
  symlink: 8,
  rename: 9,
  link: 10,
  unlink: 11,
  rmdir: 12,
  set_xattr: 13,
  remove_xattr: 14,
  write: 15,
  clone: 16,
  truncate: 17,
  chmod: 18,
  chown: 19,
  utimes: 20,
  end: 21,
  update_extent: 22,
  /** From version 2. */
  fallocate: 23,
  fileattr: 24,
  encoded_write: 25,
  /** From version 3, which is not supported: known to be told apart from damage. */
  enable_verity: 26,
} as const;

export const attribute_types = {
  uuid: 1,
  ctransid: 2,
  ino: 3,
  size: 4,
  mode: 5,
  uid: 6,
  gid: 7,
  rdev: 8,
  ctime: 9,
  mtime: 10,
  atime: 11,
  otime: 12,
  xattr_name: 13,
  xattr_data: 14,
  path: 15,
  path_to: 16,
  path_link: 17,
  file_offset: 18,
  /** From version 2 on it is the last of its command and has no length field. */
  data: 19,
  clone_uuid: 20,
  clone_ctransid: 21,
  clone_path: 22,
  clone_offset: 23,
  clone_len: 24,
  /** From version 2. */
  fallocate_mode: 25,
  fileattr: 26,
  unencoded_file_len: 27,
  unencoded_len: 28,
  unencoded_offset: 29,
  compression: 30,
  encryption: 31,
  /** From version 3. */
  verity_algorithm: 32,
  verity_block_size: 33,
  verity_salt_data: 34,
  verity_sig_data: 35,
} as const;

/** `btrfs receive` refuses a command with an attribute of type 0 or above this. */
export const attribute_type_max = 35;

/**
 * The longest command that a kernel writes, header included, by version of the stream: 64 KiB, and from version 2
 * 16 KiB + 128 KiB rounded up to a page, which is 192 KiB with pages of 64 KiB.
 */
export const command_bytes_max = { 1: 64 * 1024, 2: 192 * 1024 } as const;

/** Bytes of a file in one WRITE as the kernel cuts them, by version of the stream. */
export const write_data_bytes = { 1: 48 * 1024, 2: 128 * 1024 } as const;
