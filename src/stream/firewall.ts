/** Lets only such commands reach `btrfs receive` as a snapshot's own stream has; see docs/decisions/0004. */
import { IcbdError } from '../core/errors.js';
import type { Command } from './command_reader.js';
import { decodeCommand, type StreamCommand } from './decode_command.js';
import { checkFields } from './firewall_fields.js';
import { shownName } from './shown_name.js';
import { type SpecialKind, SpecialFiles } from './special_files.js';
import { checkPath, type PathComponents } from './stream_path.js';

export interface FirewallRules {
  /** The subvolume's name in the stream, one path component. */
  readonly name: string;
  /** Identity of the snapshot; any if it is not known. */
  readonly uuid?: string | undefined;
  /** Identities that the stream may be based on and clone from, besides its own. */
  readonly sources: ReadonlySet<string>;
  /** Identity that it must be based on, null for none; any of the sources, or none, if it is not known. */
  readonly parent?: string | null | undefined;
  /**
   * Set if the beginning of the stream passed an earlier firewall: it goes on inside of the subvolume. Symlinks and
   * special files of before are not known any more, as those of a parent never are.
   */
  readonly goes_on?: { readonly uuid: string } | undefined;
  /**
   * Most symlinks and special files of the stream, and directories that hold some: what is remembered, at most about
   * 400 bytes for each.
   */
  readonly special_files_max?: number;
}

export const default_special_files_max = 250_000;

const hint_for_head =
  'either this is the stream of another snapshot, or its name, identity and sources are other than expected';
const hint_for_others =
  'btrfs send makes no such stream: find out what the sender is before it may send again';

/** What may stand at the end of a path, of that which this stream has made. */
type Target = 'anything' | 'no symlink' | 'nothing special';

/**
 * What `btrfs receive` opens by its name: `creat` for MKFILE, `open` for what changes contents, `truncate`. Of all else
 * only `chmod` follows a symlink at the end of the path; FILEATTR does nothing.
 * Source: `cmds/receive.c` in btrfs-progs.
 */
const targets: { readonly [Name in StreamCommand['command']]?: Target } = {
  mkfile: 'nothing special',
  write: 'nothing special',
  encoded_write: 'nothing special',
  clone: 'nothing special',
  truncate: 'nothing special',
  fallocate: 'nothing special',
  enable_verity: 'nothing special',
  chmod: 'no symlink',
};

/** The subvolume itself, whose path is empty, has these. */
const allowed_on_root: ReadonlySet<StreamCommand['command']> = new Set([
  'chmod',
  'chown',
  'utimes',
  'set_xattr',
  'remove_xattr',
  'fileattr',
] as const);

/**
 * Checks one stream of one subvolume, command by command and before it is received. It sees only the stream: what it
 * cannot know is what the files are that the parent of an incremental stream has.
 */
export class Firewall {
  readonly #rules: FirewallRules;
  readonly #special: SpecialFiles;
  #state: 'before' | 'inside' | 'ended' = 'before';
  #own_uuid = '';

  constructor(rules: FirewallRules) {
    this.#rules = rules;
    if (rules.goes_on !== undefined) {
      this.#state = 'inside';
      this.#own_uuid = rules.goes_on.uuid;
    }
    this.#special = new SpecialFiles(rules.special_files_max ?? default_special_files_max);
  }

  /**
   * Takes the next command. After a refusal the stream must not go on.
   * @param start_bytes where it starts in the stream, for messages
   * @returns its fields, since they were needed anyway
   * @throws IcbdError `StreamRefused` with command, offset and path; `CorruptData`, `StreamVersionNotSupported` if its
   *   fields cannot be read
   */
  check(command: Command, start_bytes = command.start_bytes): StreamCommand {
    const fields = decodeCommand(command);
    const fault = this.#judge(fields);
    if (fault === undefined) return fields;
    const path = 'path' in fields ? shownName(fields.path) : '';
    const is_head = fields.command === 'subvol' || fields.command === 'snapshot';
    const of_path = path === '' ? '' : ` of "${path}"`;
    throw new IcbdError(
      'StreamRefused',
      `the ${fields.command} command${of_path} at byte ${start_bytes} is refused: ${fault}`,
      {
        operation: 'check send stream',
        subject: path,
        hint: is_head ? hint_for_head : hint_for_others,
      },
    );
  }

  /** @returns why the command is refused */
  #judge(fields: StreamCommand): string | undefined {
    if (this.#state === 'ended') return 'the stream has ended before';
    if (fields.command === 'subvol' || fields.command === 'snapshot') return this.#judgeHead(fields);
    if (this.#state === 'before') return 'the stream does not start with SUBVOL or SNAPSHOT';
    if (fields.command === 'end') {
      this.#state = 'ended';
      return undefined;
    }
    return checkFields(fields) ?? this.#judgePaths(fields);
  }

  #judgeHead(fields: Extract<StreamCommand, { command: 'subvol' | 'snapshot' }>): string | undefined {
    if (this.#state === 'inside') return 'one subvolume is expected, and this is another';
    this.#state = 'inside';
    this.#own_uuid = fields.uuid;
    const { name, uuid } = this.#rules;
    const checked = checkPath(fields.path);
    if ('reason' in checked) return checked.reason;
    if (checked.components.length > 1) return 'the name of a subvolume is one component';
    if (!fields.path.equals(Buffer.from(name))) return `a subvolume named "${name}" is expected`;
    if (uuid !== undefined && fields.uuid !== uuid) return `it carries ${fields.uuid}, not ${uuid}`;
    return this.#judgeParent(fields.command === 'snapshot' ? fields.clone_uuid : null);
  }

  #judgeParent(found: string | null): string | undefined {
    const { parent, sources } = this.#rules;
    if (parent !== undefined && found !== parent) {
      return `it is based on ${found ?? 'nothing'}, not on ${parent ?? 'nothing'}`;
    }
    if (found === null || sources.has(found)) return undefined;
    return `it is based on ${found}, which is not among the snapshots that it may be based on`;
  }

  #judgePaths(
    fields: Exclude<StreamCommand, { command: 'subvol' | 'snapshot' | 'end' }>,
  ): string | undefined {
    if (fields.path.length === 0 && allowed_on_root.has(fields.command)) return undefined;
    const checked = this.#reach(fields.path, targets[fields.command] ?? 'anything');
    if ('reason' in checked) return checked.reason;
    const { components } = checked;
    switch (fields.command) {
      case 'symlink':
        return this.#add(components, 'symlink');
      case 'mknod':
        return this.#add(components, 'device');
      case 'mkfifo':
        return this.#add(components, 'fifo');
      case 'mksock':
        return this.#add(components, 'socket');
      case 'unlink':
      case 'rmdir':
        this.#special.remove(components);
        return undefined;
      case 'rename':
        return this.#rename(components, fields.path_to);
      case 'link':
        return this.#link(components, fields.path_link);
      case 'clone':
        return this.#clone(fields);
      case 'mkfile':
      case 'mkdir':
      case 'set_xattr':
      case 'remove_xattr':
      case 'write':
      case 'encoded_write':
      case 'truncate':
      case 'chmod':
      case 'chown':
      case 'utimes':
      case 'update_extent':
      case 'fallocate':
      case 'fileattr':
      case 'enable_verity':
        return undefined;
    }
  }

  /** A path as `btrfs receive` would walk it. */
  #reach(
    path: Buffer,
    target: Target,
  ): { readonly reason: string } | { readonly components: PathComponents } {
    const checked = checkPath(path);
    if ('reason' in checked) return checked;
    const above = this.#special.findAbove(checked.components);
    if (above !== undefined) {
      const part = Buffer.from(checked.components.slice(0, above.depth).join('/'), 'latin1');
      return {
        reason: `it leads through the ${above.kind} "${shownName(part)}" of this stream`,
      };
    }
    if (target === 'anything') return checked;
    const kind = this.#special.kindOf(checked.components);
    if (kind === undefined || (target === 'no symlink' && kind !== 'symlink')) return checked;
    return { reason: `it would open a ${kind} of this stream` };
  }

  #add(components: PathComponents, kind: SpecialKind): string | undefined {
    return this.#special.add(components, kind) ? undefined : this.#tooMany();
  }

  #tooMany(): string {
    const most = this.#rules.special_files_max ?? default_special_files_max;
    return `the stream has more than ${most} symlinks, special files and directories that hold them`;
  }

  /** A kernel removes what stands at the new name first; a rename of two links of one file onto each other does nothing. */
  #rename(from: PathComponents, path_to: Buffer): string | undefined {
    const to = this.#reach(path_to, 'nothing special');
    if ('reason' in to) return `to "${shownName(path_to)}": ${to.reason}`;
    return this.#special.move(from, to.components) ? undefined : this.#tooMany();
  }

  /** A hard link of a symlink is the same symlink. */
  #link(components: PathComponents, path_link: Buffer): string | undefined {
    const existing = this.#reach(path_link, 'anything');
    if ('reason' in existing) return `to "${shownName(path_link)}": ${existing.reason}`;
    const kind = this.#special.kindOf(existing.components);
    return kind === undefined ? undefined : this.#add(components, kind);
  }

  /** In another subvolume nothing is known of what the path leads through; see docs/decisions/0004. */
  #clone(fields: Extract<StreamCommand, { command: 'clone' }>): string | undefined {
    const { clone_uuid, clone_path } = fields;
    const is_own = clone_uuid === this.#own_uuid;
    if (!is_own && !this.#rules.sources.has(clone_uuid)) {
      return `it clones from ${clone_uuid}, which is not among the snapshots that it may clone from`;
    }
    const source = is_own ? this.#reach(clone_path, 'nothing special') : checkPath(clone_path);
    if ('reason' in source) return `from "${shownName(clone_path)}": ${source.reason}`;
    return undefined;
  }
}
