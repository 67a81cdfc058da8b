import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import { CommandReader } from '../../../src/stream/command_reader.js';
import type { CommandName } from '../../../src/stream/command_table.js';
import type { StreamCommand } from '../../../src/stream/decode_command.js';
import { Firewall, type FirewallRules } from '../../../src/stream/firewall.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import { encodeCommand } from './any_command.js';
import { sample_clone_uuid, sample_uuid } from './sample_stream.js';

const rules: FirewallRules = { name: 'vm', uuid: sample_uuid, sources: new Set([sample_clone_uuid]) };
const other_uuid = '12345678-1234-1234-1234-123456789abc';

const bytes = (text: string): Buffer => Buffer.from(text);
const ino = 257n;
const time = { seconds: 1n, nanoseconds: 2 };

const subvol: StreamCommand = { command: 'subvol', path: bytes('vm'), uuid: sample_uuid, ctransid: 7n };
const snapshot: StreamCommand = {
  command: 'snapshot',
  path: bytes('vm'),
  uuid: sample_uuid,
  ctransid: 7n,
  clone_uuid: sample_clone_uuid,
  clone_ctransid: 6n,
};
const end: StreamCommand = { command: 'end' };

/** One command of each kind about `path`, as a kernel would write it. */
const about: { readonly [Name in CommandName]?: (path: string) => StreamCommand } = {
  mkfile: (path) => ({ command: 'mkfile', path: bytes(path), ino }),
  mkdir: (path) => ({ command: 'mkdir', path: bytes(path), ino }),
  mknod: (path) => ({ command: 'mknod', path: bytes(path), ino, mode: 0o060600n, rdev: 0x800n }),
  mkfifo: (path) => ({ command: 'mkfifo', path: bytes(path), ino }),
  mksock: (path) => ({ command: 'mksock', path: bytes(path), ino }),
  symlink: (path) => ({ command: 'symlink', path: bytes(path), ino, path_link: bytes('/etc') }),
  rename: (path) => ({ command: 'rename', path: bytes(path), path_to: bytes('renamed') }),
  link: (path) => ({ command: 'link', path: bytes(path), path_link: bytes('plain') }),
  unlink: (path) => ({ command: 'unlink', path: bytes(path) }),
  rmdir: (path) => ({ command: 'rmdir', path: bytes(path) }),
  set_xattr: (path) => ({
    command: 'set_xattr',
    path: bytes(path),
    xattr_name: bytes('user.a'),
    xattr_data: bytes('b'),
  }),
  remove_xattr: (path) => ({ command: 'remove_xattr', path: bytes(path), xattr_name: bytes('user.a') }),
  write: (path) => ({ command: 'write', path: bytes(path), file_offset: 0n, data: bytes('root') }),
  clone: (path) => cloneOf(path, sample_uuid, 'plain'),
  truncate: (path) => ({ command: 'truncate', path: bytes(path), size: 0n }),
  chmod: (path) => ({ command: 'chmod', path: bytes(path), mode: 0o4755n }),
  chown: (path) => ({ command: 'chown', path: bytes(path), uid: 0n, gid: 0n }),
  utimes: (path) => ({ command: 'utimes', path: bytes(path), atime: time, mtime: time, ctime: time }),
  fallocate: (path) => ({
    command: 'fallocate',
    path: bytes(path),
    fallocate_mode: 1,
    file_offset: 0n,
    size: 9n,
  }),
  fileattr: (path) => ({ command: 'fileattr', path: bytes(path), fileattr: 1n }),
  encoded_write: (path) => ({
    command: 'encoded_write',
    path: bytes(path),
    file_offset: 0n,
    unencoded_file_len: 4096n,
    unencoded_len: 131_072n,
    unencoded_offset: 4096n,
    compression: 2,
    data: bytes('zstd'),
  }),
};
const commands = Object.entries(about).map(([name, make]) => ({ name: name as CommandName, make }));

/** Those that open what stands at the end of the path. */
const opening = ['mkfile', 'write', 'encoded_write', 'clone', 'truncate', 'fallocate'] as const;

function cloneOf(path: string, clone_uuid: string, clone_path: string): StreamCommand {
  return {
    command: 'clone',
    path: bytes(path),
    file_offset: 0n,
    clone_len: 4096n,
    clone_uuid,
    clone_ctransid: 7n,
    clone_path: bytes(clone_path),
    clone_offset: 0n,
  };
}

function make(name: CommandName, path: string): StreamCommand {
  const command = about[name]?.(path);
  if (command === undefined) throw new Error(`no sample of ${name}`);
  return command;
}

/** What a firewall says to a whole stream of these commands: why it refuses it, or nothing. */
function judge(stream: readonly StreamCommand[], changed: Partial<FirewallRules> = {}): string {
  const firewall = new Firewall({ ...rules, ...changed });
  const written = stream.map((command) => encodeCommand(command, 2));
  const reader = new CommandReader();
  try {
    for (const command of reader.push(Buffer.concat([writeStreamHeader(2), ...written])))
      firewall.check(command);
    return '';
  } catch (error) {
    if (!(error instanceof IcbdError) || error.code !== 'StreamRefused' || error.retryable) throw error;
    return error.message;
  }
}

test('what kernels send passes: all kinds of commands, orphan names, links, and the subvolume itself', () => {
  for (const head of [subvol, snapshot]) {
    expect(
      judge([
        head,
        ...['chmod', 'chown', 'utimes', 'set_xattr', 'remove_xattr'].map((name) =>
          make(name as CommandName, ''),
        ),
        ...commands.filter(({ name }) => name !== 'unlink').map(({ name, make }) => make(`o257-8-0/${name}`)),
        { command: 'rename', path: bytes('o257-8-0'), path_to: bytes('etc') },
        { command: 'rename', path: bytes('etc/symlink'), path_to: bytes('lib') },
        // A symlink has an owner, times and xattrs of its own.
        ...['chown', 'utimes', 'set_xattr'].map((name) => make(name as CommandName, 'lib')),
        { command: 'link', path: bytes('lib64'), path_link: bytes('lib') },
        make('unlink', 'lib'),
        make('mkdir', 'lib'),
        make('write', 'lib/libc.so'),
        cloneOf('lib/libm.so', sample_clone_uuid, 'lib/libm.so'),
        end,
      ]),
    ).toBe('');
  }
});

describe('paths', () => {
  const bad_paths: [path: string, reason: RegExp][] = [
    ['/etc/passwd', /the path is absolute/],
    ['..', /component "\.\."/],
    ['a/../../b', /component "\.\."/],
    ['./a', /component "\."/],
    ['a//b', /empty component/],
    ['a/', /empty component/],
    ['a\0b', /a NUL in it/],
    ['a'.repeat(256), /256 bytes, over 255/],
    ['abc/'.repeat(1024), /4096 bytes, over 4095/],
  ];
  test.each(commands)('of $name', ({ name, make }) => {
    for (const [path, reason] of bad_paths) expect(judge([subvol, make(path)])).toMatch(reason);
    const takes_root = ['chmod', 'chown', 'utimes', 'set_xattr', 'remove_xattr', 'fileattr'].includes(name);
    expect(judge([subvol, make('')])).toMatch(takes_root ? /^$/ : /the path is empty/);
  });

  test('the other path of RENAME, LINK and CLONE, and the name of the subvolume', () => {
    for (const [path, reason] of [...bad_paths, ['', /the path is empty/] as const]) {
      expect(judge([subvol, { command: 'rename', path: bytes('a'), path_to: bytes(path) }])).toMatch(reason);
      expect(judge([subvol, { command: 'link', path: bytes('a'), path_link: bytes(path) }])).toMatch(reason);
      expect(judge([subvol, cloneOf('a', sample_uuid, path)])).toMatch(reason);
      expect(judge([subvol, cloneOf('a', sample_clone_uuid, path)])).toMatch(reason);
      expect(judge([{ ...subvol, path: bytes(path) }])).toMatch(reason);
    }
    expect(judge([{ ...subvol, path: bytes('vm/1') }])).toMatch(/one component/);
  });

  test('an error names the command, its offset and the path, with nothing that a terminal obeys', () => {
    expect(judge([subvol, make('mkfile', 'a/../\u001b[2J')])).toMatch(
      /^the mkfile command of "a\/\.\.\/\\x1b\[2J" at byte 65 is refused: the path has a component "\.\."$/,
    );
  });

  test('a path that passed stays inside, whatever bytes it is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '.', '/', '\0', 'ü'), maxLength: 12 }), (path) => {
        const is_good =
          path !== '' &&
          path.split('/').every((part) => !['', '.', '..'].includes(part)) &&
          !path.includes('\0');
        expect(judge([subvol, make('mkdir', path)]) === '').toBe(is_good);
      }),
    );
  });
});

describe('symlinks and special files that the stream made', () => {
  const makers = [
    ['symlink', /through the symlink "s"/],
    ['mknod', /through the device "s"/],
    ['mkfifo', /through the fifo "s"/],
    ['mksock', /through the socket "s"/],
  ] as const;

  test.each(commands)('$name does not go through them', ({ make: makeCommand }) => {
    for (const [maker, reason] of makers) {
      expect(judge([subvol, make(maker, 's'), makeCommand('s/passwd')])).toMatch(reason);
    }
  });

  test.each(opening)('%s does not open one', (name) => {
    for (const kind of ['symlink', 'mknod', 'mkfifo', 'mksock'] as const) {
      expect(judge([subvol, make(kind, 's'), make(name, 's')])).toMatch(
        /would open a (symlink|device|fifo|socket)/,
      );
    }
  });

  test('chmod does not follow a symlink; fifos, sockets and devices have modes as files do', () => {
    expect(judge([subvol, make('symlink', 's'), make('chmod', 's')])).toMatch(/would open a symlink/);
    for (const kind of ['mknod', 'mkfifo', 'mksock'] as const) {
      expect(judge([subvol, make(kind, 's'), make('chmod', 's'), make('chown', 's')])).toBe('');
    }
  });

  test('nor do the other paths of RENAME, LINK and CLONE', () => {
    const symlink = make('symlink', 's');
    expect(judge([subvol, symlink, { command: 'rename', path: bytes('a'), path_to: bytes('s/a') }])).toMatch(
      /through/,
    );
    expect(judge([subvol, symlink, { command: 'link', path: bytes('a'), path_link: bytes('s/a') }])).toMatch(
      /through/,
    );
    expect(judge([subvol, symlink, cloneOf('a', sample_uuid, 's/shadow')])).toMatch(/through/);
    expect(judge([subvol, symlink, cloneOf('a', sample_uuid, 's')])).toMatch(/would open a symlink/);
  });

  test('they are followed through renames of them and of directories above, and through hard links', () => {
    const rename = (from: string, to: string): StreamCommand => ({
      command: 'rename',
      path: bytes(from),
      path_to: bytes(to),
    });
    const link: StreamCommand = { command: 'link', path: bytes('hard'), path_link: bytes('s') };
    const start = [subvol, make('symlink', 's')];
    expect(judge([...start, rename('s', 't'), make('write', 't/x')])).toMatch(/through the symlink "t"/);
    expect(judge([...start, link, make('mkfile', 'hard/x')])).toMatch(/through the symlink "hard"/);
    expect(judge([...start, link, make('unlink', 's'), make('truncate', 'hard')])).toMatch(
      /would open a symlink/,
    );
    const in_directory = [subvol, make('mkdir', 'd'), make('symlink', 'd/s')];
    expect(judge([...in_directory, rename('d', 'e'), make('write', 'e/s/x')])).toMatch(
      /through the symlink "e\/s"/,
    );
    expect(
      judge([...start, rename('s', 't'), make('mkfile', 's'), make('unlink', 't'), make('mkfile', 't')]),
    ).toBe('');
    expect(judge([...in_directory, rename('d', 'e'), make('mkdir', 'd'), make('mkfile', 'd/s'), end])).toBe(
      '',
    );
  });

  test('a rename onto a link of the same symlink, which does nothing, does not hide it', () => {
    expect(
      judge([
        subvol,
        make('symlink', 's'),
        { command: 'link', path: bytes('t'), path_link: bytes('s') },
        { command: 'rename', path: bytes('s'), path_to: bytes('t') },
      ]),
    ).toMatch(/to "t": it would open a symlink/);
  });

  test('more than may be remembered are refused', () => {
    const many = Array.from({ length: 4 }, (_, index) => make('symlink', `s${index}`));
    expect(judge([subvol, ...many], { special_files_max: 4 })).toBe('');
    expect(judge([subvol, ...many], { special_files_max: 3 })).toMatch(/more than 3 symlinks/);
    const moved: StreamCommand = { command: 'rename', path: bytes('s0'), path_to: bytes('a/b/c') };
    expect(judge([subvol, ...many, moved], { special_files_max: 4 })).toMatch(/more than 4 symlinks/);
    const linked: StreamCommand = { command: 'link', path: bytes('t'), path_link: bytes('s0') };
    expect(judge([subvol, ...many, linked], { special_files_max: 4 })).toMatch(/more than 4 symlinks/);
  });
});

describe('which subvolume', () => {
  test('only the expected name and identity', () => {
    expect(judge([{ ...subvol, path: bytes('vm2') }])).toMatch(/a subvolume named "vm" is expected/);
    expect(judge([{ ...subvol, uuid: other_uuid }])).toMatch(/it carries 12345678-.*, not 00112233-/);
    expect(judge([{ ...subvol, uuid: other_uuid }, end], { uuid: undefined })).toBe('');
  });

  test('only based on and cloned from known snapshots, or itself', () => {
    expect(judge([{ ...snapshot, clone_uuid: other_uuid }])).toMatch(/based on 12345678-.* not among/);
    expect(judge([subvol, cloneOf('a', other_uuid, 'b')])).toMatch(/clones from 12345678-.* not among/);
    // Its own identity is in the stream, and not only in the rules.
    expect(judge([{ ...subvol, uuid: other_uuid }, cloneOf('a', other_uuid, 'b')], { uuid: undefined })).toBe(
      '',
    );
  });

  test('exactly one, from the first command to END', () => {
    expect(judge([subvol, subvol])).toMatch(/one subvolume is expected/);
    expect(judge([subvol, snapshot])).toMatch(/one subvolume is expected/);
    expect(judge([make('mkfile', 'a')])).toMatch(/does not start with SUBVOL or SNAPSHOT/);
    expect(judge([end])).toMatch(/does not start with SUBVOL or SNAPSHOT/);
    const firewall = new Firewall(rules);
    const stream = Buffer.concat([writeStreamHeader(2), encodeCommand(subvol), encodeCommand(end)]);
    expect(() => {
      for (const command of new CommandReader().push(Buffer.concat([stream, stream])))
        firewall.check(command);
    }).toThrow(expect.objectContaining({ message: expect.stringContaining('the stream has ended before') }));
  });
});

describe('values', () => {
  const far = 2n ** 63n - 1n;
  const encoded = make('encoded_write', 'a');
  const cases: [StreamCommand, RegExp][] = [
    [{ ...make('write', 'a'), file_offset: far } as StreamCommand, /reaches byte 9223372036854775811/],
    [{ ...make('truncate', 'a'), size: far + 1n } as StreamCommand, /reaches byte 9223372036854775808/],
    [{ ...make('clone', 'a'), file_offset: far } as StreamCommand, /reaches byte/],
    [{ ...make('clone', 'a'), clone_offset: far } as StreamCommand, /reaches byte/],
    [{ ...make('fallocate', 'a'), size: far + 1n } as StreamCommand, /reaches byte/],
    [{ ...encoded, file_offset: far } as StreamCommand, /reaches byte/],
    [{ ...encoded, unencoded_len: 131_073n } as StreamCommand, /decompresses to 131073 bytes/],
    [{ ...encoded, unencoded_offset: 131_072n } as StreamCommand, /takes more than it decompresses to/],
    [{ ...encoded, compression: 8 } as StreamCommand, /compression 8 is unknown/],
    [{ ...encoded, encryption: 1 } as StreamCommand, /encryption 1 is unknown/],
    [{ ...make('chmod', 'a'), mode: 0o10000n } as StreamCommand, /the mode 10000 has more/],
    [{ ...make('chown', 'a'), uid: 2n ** 32n } as StreamCommand, /no 32-bit number/],
    [{ ...make('chown', 'a'), gid: 2n ** 32n } as StreamCommand, /no 32-bit number/],
    [{ ...make('mknod', 'a'), mode: 0o100644n } as StreamCommand, /makes no device/],
    [{ ...make('symlink', 'a'), path_link: bytes('') } as StreamCommand, /the target is empty/],
    [{ ...make('symlink', 'a'), path_link: bytes('a\0') } as StreamCommand, /the target has a NUL/],
    [
      { ...make('symlink', 'a'), path_link: Buffer.alloc(4096, 'a') } as StreamCommand,
      /4096 bytes, over 4095/,
    ],
    [{ ...make('set_xattr', 'a'), xattr_name: bytes('') } as StreamCommand, /name of the xattr is empty/],
    [{ ...make('remove_xattr', 'a'), xattr_name: bytes('a\0') } as StreamCommand, /a NUL in it/],
    [
      { command: 'update_extent', path: bytes('a'), file_offset: 0n, size: 1n },
      /without data .* a snapshot of empty files/,
    ],
  ];
  test.each(cases)('%o', (command, reason) => expect(judge([subvol, command])).toMatch(reason));

  test('the largest that are allowed', () => {
    expect(
      judge([
        subvol,
        { ...make('truncate', 'a'), size: far } as StreamCommand,
        { ...make('write', 'a'), file_offset: far - 4n } as StreamCommand,
        { ...make('chmod', 'a'), mode: 0o7777n } as StreamCommand,
        { ...make('symlink', 's'), path_link: Buffer.alloc(4095, 'a') } as StreamCommand,
      ]),
    ).toBe('');
  });
});
