/** Extended attributes of a whole tree, by `getfattr`: Node has no call for them. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { IcbdError } from '../../core/errors.js';
import { findProgram } from '../../pipeline/program.js';

/** Name in base64, and its value as text. */
export type Xattr = [name: string, value: string];

/** Longer values are shown by their hash, bytes. */
const shown_bytes_max = 32;
const stderr_bytes_max = 4 * 1024;
const no_xattrs: readonly Xattr[] = [];

/** `getfattr` writes what would break its lines as a backslash and three octal digits. */
function unescape(text: string): Buffer {
  return Buffer.from(
    text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    'latin1',
  );
}

function parseAttribute(line: string): Xattr {
  const end = line.indexOf('=');
  const name = unescape(end === -1 ? line : line.slice(0, end)).toString('base64');
  const value = Buffer.from(end === -1 ? '' : line.slice(end + 1).replace(/^0x/, ''), 'hex');
  if (value.length <= shown_bytes_max) return [name, `0x${value.toString('hex')}`];
  return [name, `sha256 ${createHash('sha256').update(value).digest('hex')}`];
}

/** Takes the lines of `getfattr --dump --encoding=hex`: for each file its path, its attributes, an empty line. */
export class XattrParser {
  readonly #onFile: (path: Buffer, xattrs: Xattr[]) => void;
  #rest = '';
  #path: Buffer | undefined;
  #xattrs: Xattr[] = [];

  constructor(onFile: (path: Buffer, xattrs: Xattr[]) => void) {
    this.#onFile = onFile;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  end(): void {
    this.#line('');
  }

  #line(line: string): void {
    if (line.startsWith('# file: ')) {
      this.#path = unescape(line.slice('# file: '.length));
    } else if (line !== '') {
      this.#xattrs.push(parseAttribute(line));
    } else if (this.#path !== undefined) {
      this.#onFile(
        this.#path,
        this.#xattrs.toSorted(([a], [b]) => (a < b ? -1 : 1)),
      );
      this.#path = undefined;
      this.#xattrs = [];
    }
  }
}

/** Attributes by inode number; equal sets, which are the rule, are kept once. */
export class XattrTable {
  readonly #sets = new Map<string, readonly Xattr[]>();
  readonly #by_inode = new Map<number, readonly Xattr[]>();

  set(inode: number, xattrs: readonly Xattr[]): void {
    const key = JSON.stringify(xattrs);
    const set = this.#sets.get(key) ?? xattrs;
    this.#sets.set(key, set);
    this.#by_inode.set(inode, set);
  }

  get(inode: number): readonly Xattr[] {
    return this.#by_inode.get(inode) ?? no_xattrs;
  }
}

function commandLine(root: string): [string, string[]] {
  const getfattr = findProgram('getfattr');
  if (getfattr === undefined) {
    throw new IcbdError('ProgramNotFound', 'getfattr is not installed', {
      operation: 'verify snapshot',
      subject: 'getfattr',
      hint: 'apt-get install attr: without it, extended attributes cannot be compared',
    });
  }
  const flags = ['--recursive', '--physical', '--no-dereference', '--absolute-names'];
  const args = [...flags, '--dump', '--match=-', '--encoding=hex', '--', root];
  // It then ends with this thread, however that ends.
  const setpriv = findProgram('setpriv');
  return setpriv === undefined
    ? [getfattr, args]
    : [setpriv, ['--pdeathsig', 'KILL', '--', getfattr, ...args]];
}

/**
 * Reads the attributes of all that is in the directory `root`, and of itself.
 * @throws IcbdError `ProgramNotFound`, `ProcessFailed`
 */
export async function readXattrs(root: string): Promise<XattrTable> {
  const table = new XattrTable();
  const parser = new XattrParser((path, xattrs) => {
    table.set(Number(lstatSync(path, { bigint: true }).ino), xattrs);
  });
  const [program, args] = commandLine(root);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { LC_ALL: 'C' } });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-stderr_bytes_max);
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  exit.catch(() => {});
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) parser.push(chunk);
  parser.end();
  const exit_code = await exit;
  if (exit_code === 0) return table;
  throw new IcbdError('ProcessFailed', `getfattr failed: ${complaint.trim().split('\n').at(-1) ?? ''}`, {
    operation: 'verify snapshot',
    subject: root,
    hint: 'see the log of the kernel for errors of the disk',
  });
}
