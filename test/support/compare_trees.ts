/** Two directory trees, compared in all that a replica must have as its master has it. */
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { execa } from 'execa';

const buffer_bytes = 1024 * 1024;
/** After so many entries others of this process get their turn. */
const entries_per_turn = 500;

/** A path as its bytes, one character for each: names need not be UTF-8. */
type BytePath = string;

const toBytes = (path: BytePath): Buffer => Buffer.from(path, 'latin1');
const fromBytes = (bytes: Buffer): BytePath => bytes.toString('latin1');
const shown = (path: BytePath): string => toBytes(path).toString();

/** One of the two trees. */
interface Side {
  readonly root: BytePath;
  /** By path: its extended attributes, capabilities and access lists among them. */
  readonly xattrs: ReadonlyMap<BytePath, string>;
  /** By inode: the first path that was met. */
  readonly links: Map<bigint, BytePath>;
  readonly buffer: Buffer;
}

/** getfattr writes what is no printable ASCII as `\ooo`. */
function unquoted(name: string): BytePath {
  return name.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** getfattr prints for each file `# file: NAME` and then its attributes. */
async function readXattrs(root: string): Promise<Map<BytePath, string>> {
  const args = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'];
  const options = { cwd: root, reject: false, encoding: 'latin1', maxBuffer: 512 * 1024 * 1024 } as const;
  const { stdout, code } = await execa('getfattr', args, options);
  if (code === 'ENOENT') {
    throw new Error('comparing trees needs getfattr, which is not installed: apt-get install attr');
  }
  const found = new Map<BytePath, string>();
  for (const block of stdout.split('\n\n')) {
    const [first = '', ...attributes] = block.split('\n').filter((line) => line !== '');
    const path = unquoted(first.replace('# file: ', '')).replace(/^\.\//, '');
    found.set(path, attributes.toSorted().join(' '));
  }
  return found;
}

async function sideOf(root: string): Promise<Side> {
  return {
    root: fromBytes(Buffer.from(root)),
    xattrs: await readXattrs(root),
    links: new Map(),
    buffer: Buffer.alloc(buffer_bytes),
  };
}

const pathIn = (side: Side, path: BytePath): Buffer =>
  toBytes(path === '.' ? side.root : `${side.root}/${path}`);

/** What can be said of one entry in words. */
function describe(side: Side, path: BytePath, stat: BigIntStats): Record<string, string> {
  const is_node = stat.isBlockDevice() || stat.isCharacterDevice();
  const words: Record<string, string> = {
    mode: stat.mode.toString(8),
    uid: String(stat.uid),
    gid: String(stat.gid),
    mtime: String(stat.mtimeNs),
    size: stat.isDirectory() ? '' : String(stat.size),
    device: is_node ? String(stat.rdev) : '',
    target: stat.isSymbolicLink() ? fromBytes(readlinkSync(pathIn(side, path), 'buffer')) : '',
    xattrs: side.xattrs.get(path) ?? '',
    same_file_as: '',
  };
  if (!stat.isDirectory() && stat.nlink > 1n) {
    const first = side.links.get(stat.ino);
    if (first === undefined) side.links.set(stat.ino, path);
    words['same_file_as'] = shown(first ?? path);
    words['links'] = String(stat.nlink);
  }
  return words;
}

function haveSameContent(a: Side, b: Side, path: BytePath): boolean {
  const files = [openSync(pathIn(a, path), 'r'), openSync(pathIn(b, path), 'r')] as const;
  try {
    for (;;) {
      const bytes = readSync(files[0], a.buffer, 0, buffer_bytes, null);
      if (readSync(files[1], b.buffer, 0, buffer_bytes, null) !== bytes) return false;
      if (bytes === 0) return true;
      if (a.buffer.compare(b.buffer, 0, bytes, 0, bytes) !== 0) return false;
    }
  } finally {
    for (const file of files) closeSync(file);
  }
}

const namesIn = (side: Side, path: BytePath): BytePath[] =>
  readdirSync(pathIn(side, path), { encoding: 'buffer' }).map(fromBytes).toSorted();

/** Differences of one entry that both have. */
function compareEntry(a: Side, b: Side, path: BytePath): { differences: string[]; is_directory: boolean } {
  const stat_a = lstatSync(pathIn(a, path), { bigint: true });
  const stat_b = lstatSync(pathIn(b, path), { bigint: true });
  const [words_a, words_b] = [describe(a, path, stat_a), describe(b, path, stat_b)];
  const differences: string[] = [];
  for (const key of new Set([...Object.keys(words_a), ...Object.keys(words_b)])) {
    const [value_a, value_b] = [words_a[key] ?? 'none', words_b[key] ?? 'none'];
    if (value_a !== value_b) differences.push(`${shown(path)}: ${key} ${value_a} != ${value_b}`);
  }
  if (stat_a.isFile() && stat_b.isFile() && !haveSameContent(a, b, path)) {
    differences.push(`${shown(path)}: content differs`);
  }
  return { differences, is_directory: stat_a.isDirectory() && stat_b.isDirectory() };
}

/**
 * The differences of two trees in names, content, type, mode, owner, size, mtime, symlink target, device number,
 * hard links, extended attributes, capabilities and access lists; one line each, none if they are identical.
 */
export async function compareTrees(a: string, b: string): Promise<string[]> {
  const [side_a, side_b] = await Promise.all([sideOf(a), sideOf(b)]);
  const differences: string[] = [];
  const waiting: BytePath[] = ['.'];
  for (let visited = 1; waiting.length > 0; visited += 1) {
    const path = waiting.pop() ?? '';
    const entry = compareEntry(side_a, side_b, path);
    differences.push(...entry.differences);
    if (entry.is_directory) {
      const [names_a, names_b] = [namesIn(side_a, path), new Set(namesIn(side_b, path))];
      const within = (name: BytePath): BytePath => (path === '.' ? name : `${path}/${name}`);
      // The last one pushed is the next one looked at.
      for (const name of names_a.toReversed()) {
        if (names_b.delete(name)) waiting.push(within(name));
        else differences.push(`${shown(within(name))}: only in ${a}`);
      }
      for (const name of names_b) differences.push(`${shown(within(name))}: only in ${b}`);
    }
    if (visited % entries_per_turn === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return differences;
}
