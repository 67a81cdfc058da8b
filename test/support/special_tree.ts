/** A directory tree of all that a filesystem can hold, and changes to it that are hard to send. */
import {
  chmodSync,
  chownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  rmdirSync,
  closeSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { seededBytes } from './image_tree.js';

const mib = 1024 * 1024;
/** The most that a name may have, in bytes. */
const name_bytes_max = 255;
const name_max = 'n'.repeat(name_bytes_max);
/** `cap_net_raw=ep`, as the kernel keeps it in `security.capability` (VFS_CAP_REVISION_2). */
const capability = '0x0100000200200000000000000000000000000000';
/** user::rw-, user:1000:r--, group::r--, mask::r--, other::---, as in `system.posix_acl_access`. */
const access_list =
  '0x0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000000ffffffff';

const setXattr = async (path: string, name: string, value: string): Promise<void> => {
  await execa('setfattr', ['-h', '-n', name, '-v', value, path]);
};

/** A path whose last part is these bytes. */
const bytePath = (directory: string, name: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name)]);

/** Names that are no UTF-8, or of which other programs make something else. */
const odd_names: readonly (readonly number[])[] = [
  [0xff, 0xfe, 0x80],
  Array.from({ length: name_bytes_max }, (_, index) => 0x80 + (index % 0x80)),
  [...Buffer.from('a\nb\tc')],
  [...Buffer.from('back\\slash "quote" \'single\' $HOME `id`')],
  [...Buffer.from('-rf')],
  [...Buffer.from(' ')],
  [...Buffer.from('\u202Eright-to-left')],
  [1, 2, 3, 127],
];

function writeAt(path: string, parts: readonly (readonly [offset_bytes: number, content: Buffer])[]): void {
  const file = openSync(path, 'r+');
  try {
    for (const [offset_bytes, content] of parts) writeSync(file, content, 0, content.length, offset_bytes);
  } finally {
    closeSync(file);
  }
}

/** A socket's node stays when its name was changed before the server ends. */
async function makeSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.new`, resolve));
  renameSync(`${path}.new`, path);
  await new Promise((resolve) => server.close(resolve));
}

async function makeContents(at: (...parts: string[]) => string): Promise<void> {
  writeFileSync(at('sparse'), 'first');
  truncateSync(at('sparse'), 64 * mib);
  writeAt(at('sparse'), [
    [20 * mib + 4096, seededBytes(1, 8192)],
    [41 * mib + 17, Buffer.from('in the middle')],
  ]);
  writeFileSync(at('hole-only'), '');
  truncateSync(at('hole-only'), 1024 * mib);
  writeFileSync(at('original'), seededBytes(2, 3 * mib));
  await execa('cp', ['--reflink=always', at('original'), at('clone')]);
  writeAt(at('clone'), [[mib, seededBytes(3, 65_536)]]);
  await execa('cp', ['--reflink=always', at('clone'), at('clone-of-clone')]);
  await execa('fallocate', ['-l', String(2 * mib), at('preallocated')]);
  writeAt(at('preallocated'), [[mib, Buffer.from('written')]]);
  await execa('fallocate', ['-n', '-l', String(mib), at('original')]);
  writeFileSync(at('odd-size'), seededBytes(4, 100_001));
}

function makeDirectories(at: (...parts: string[]) => string): void {
  mkdirSync(at('a', 'b', 'c', 'd'), { recursive: true });
  for (const [index, place] of ['a', 'a/b', 'a/b/c', 'a/b/c/d'].entries()) {
    writeFileSync(at(place, 'file'), `of ${place}`);
    writeFileSync(at(place, `content-${index}`), seededBytes(10 + index, 30_000));
  }
  mkdirSync(at('left', 'inside-left'), { recursive: true });
  mkdirSync(at('right', 'inside-right'), { recursive: true });
  mkdirSync(at('empty-directory'), { mode: 0o1777 });
  mkdirSync(at(...Array.from({ length: 30 }, (_, index) => `${'deep'.repeat(20)}-${index}`)), {
    recursive: true,
  });
}

async function makeMetadata(at: (...parts: string[]) => string): Promise<void> {
  writeFileSync(at('program'), '#!/bin/sh\n');
  chownSync(at('program'), 1000, 1001);
  chmodSync(at('program'), 0o6755);
  await setXattr(at('program'), 'security.capability', capability);
  writeFileSync(at('attributes'), '');
  await setXattr(at('attributes'), 'user.text', 'words');
  await setXattr(at('attributes'), 'user.binary', '0x00ff00fe0a');
  await setXattr(at('attributes'), 'user.empty', '');
  await setXattr(at('attributes'), 'user.long', 'x'.repeat(3_500));
  await setXattr(at('attributes'), 'system.posix_acl_access', access_list);
  await setXattr(at('a'), 'user.of-directory', 'yes');
  await execa('btrfs', ['property', 'set', at('a', 'b'), 'compression', 'zstd']);
  symlinkSync('attributes', at('symlink'));
  await setXattr(at('symlink'), 'trusted.of-symlink', 'yes');
  symlinkSync('x'.repeat(4_000), at('long-symlink'));
  lutimesSync(at('long-symlink'), 1, 2_000_000_000);
  writeFileSync(at('link-1'), 'one file, three names');
  linkSync(at('link-1'), at('a', 'link-2'));
  linkSync(at('link-1'), at('a', 'b', 'c', 'link-3'));
}

async function makeNodes(at: (...parts: string[]) => string): Promise<void> {
  await execa('mknod', ['-m', '640', at('block-device'), 'b', '7', '200']);
  await execa('mknod', ['-m', '666', at('character-device'), 'c', '1', '3']);
  await execa('mknod', [at('large-device'), 'c', '4000', '1000000']);
  await execa('mkfifo', ['-m', '622', at('fifo')]);
  await makeSocket(at('socket'));
  linkSync(at('fifo'), at('a', 'fifo-link'));
}

/** Fills `directory` (which exists and lies on btrfs) with one of each kind, and several of the odd ones. */
export async function makeSpecialTree(directory: string): Promise<void> {
  const at = (...parts: string[]): string => join(directory, ...parts);
  await makeContents(at);
  makeDirectories(at);
  await makeMetadata(at);
  await makeNodes(at);
  mkdirSync(at(name_max));
  writeFileSync(at(name_max, name_max), 'long');
  for (const [index, name] of odd_names.entries()) writeFileSync(bytePath(directory, name), `odd ${index}`);
  mkdirSync(bytePath(directory, [0xc0, 0xaf]));
  writeFileSync(bytePath(directory, [0xc0, 0xaf, 0x2f, 0xf5]), 'in an odd directory');
}

/** Changes a tree of `makeSpecialTree`; may be done once. */
export async function changeSpecialTree(directory: string): Promise<void> {
  const at = (...parts: string[]): string => join(directory, ...parts);
  // a/b/c/d becomes d/c/b/a, and two directories change places with all that is in them.
  renameSync(at('a', 'b', 'c', 'd'), at('d'));
  renameSync(at('a', 'b', 'c'), at('d', 'c'));
  renameSync(at('a', 'b'), at('d', 'c', 'b'));
  renameSync(at('a'), at('d', 'c', 'b', 'a'));
  renameSync(at('left'), at('exchange'));
  renameSync(at('right'), at('left'));
  renameSync(at('exchange'), at('right'));
  // A directory where a file was, a file where a directory was, and other kinds in the same place.
  rmdirSync(at('empty-directory'));
  writeFileSync(at('empty-directory'), 'a file now');
  rmSync(at('odd-size'));
  mkdirSync(at('odd-size'));
  unlinkSync(at('block-device'));
  await execa('mkfifo', [at('block-device')]);
  unlinkSync(at('fifo'));
  await execa('mknod', [at('fifo'), 'c', '1', '5']);
  // Clones of what the parent holds, and of what is new.
  await execa('cp', ['--reflink=always', at('original'), at('clone-from-parent')]);
  writeAt(at('original'), [[0, seededBytes(20, 4096)]]);
  await execa('cp', ['--reflink=always', at('original'), at('clone-of-changed')]);
  await execa('fallocate', ['-p', '-o', String(20 * mib), '-l', String(mib), at('sparse')]);
  truncateSync(at('clone'), 5_000);
  truncateSync(at('hole-only'), 10);
  // One of three names goes, another comes; attributes go and change.
  unlinkSync(at('link-1'));
  linkSync(at('d', 'c', 'b', 'a', 'link-2'), at('link-4'));
  await execa('setfattr', ['-x', 'user.text', at('attributes')]);
  await setXattr(at('attributes'), 'user.binary', '0x01');
  await execa('setfattr', ['-x', 'security.capability', at('program')]);
  chownSync(at('attributes'), 7, 8);
  await setXattr(at('attributes'), 'security.capability', capability);
  renameSync(at(name_max, name_max), at(name_max.replace('n', 'm')));
  for (const name of odd_names.slice(1)) {
    renameSync(bytePath(directory, name), bytePath(at(name_max), name));
  }
}
