import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/core/clock.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { ControlLink } from '../../../src/core/link.js';
import { compareTrees, differences_max } from '../../../src/daemon/verify/compare_trees.js';
import { formatNs } from '../../../src/daemon/verify/differences.js';
import { scan_answers, scan_params } from '../../../src/daemon/verify/scan_requests.js';
import { type ScanSide, scanThere } from '../../../src/daemon/verify/scan_side.js';
import { ScanThread } from '../../../src/daemon/verify/scan_thread.js';
import { deviceNumber } from '../../../src/daemon/verify/tree_entry.js';
import { TreeScan } from '../../../src/daemon/verify/tree_scan.js';
import { XattrParser, XattrTable, type Xattr } from '../../../src/daemon/verify/xattrs.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-verify-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const b64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

/** A tree of files by the bytes of their paths, all with the same times. */
function makeTree(name: string, files: Readonly<Record<string, string>>): string {
  const root = path.join(directory, name);
  mkdirSync(root);
  const made = new Set<string>();
  for (const [file, content] of Object.entries(files)) {
    const parts = file.split('/');
    for (let depth = 1; depth < parts.length; depth += 1) {
      const parent = parts.slice(0, depth).join('/');
      if (!made.has(parent)) mkdirSync(Buffer.from(`${root}/${parent}`, 'latin1'));
      made.add(parent);
    }
    made.add(file);
    writeFileSync(Buffer.from(`${root}/${file}`, 'latin1'), content);
  }
  for (const file of made) utimesSync(Buffer.from(`${root}/${file}`, 'latin1'), 1, 1);
  utimesSync(root, 1, 1);
  return root;
}

function scan(root: string, identity = 'same') {
  const tree = new TreeScan(root);
  const counted = tree.count(() => {});
  const summary = tree.hash(new XattrTable(), () => {});
  expect(counted).toEqual({ entries: summary.entries, bytes: summary.bytes });
  const side: ScanSide = {
    identity,
    poll: () => Promise.reject(new Error('is done')),
    list: async (at, after) => tree.list(at, after),
    marks: async (at) => tree.marks(at),
    blocks: async (at, ...rest) => tree.blocks(at, ...rest),
    stop: async () => {},
  };
  return { tree, side, summary };
}

const never = new AbortController().signal;

async function compare(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>) {
  return compareTrees(scan(makeTree('a', a)), scan(makeTree('b', b)), never);
}

describe('two trees', () => {
  test('that are equal have the same digest, whatever their names are', async () => {
    const files = { '\xff\xfe': 'x', 'a\nb/\x01': 'y', 'a b/c': 'z', 'a/b/c/d': '', ä: '' };
    expect(await compare(files, files)).toEqual({ differences: [], more: false });
    const names = Object.fromEntries(Object.entries(files).toReversed());
    const again = scan(makeTree('again', names));
    expect(again.summary.root.digest).toBe(scan(path.join(directory, 'a')).summary.root.digest);
  });

  test('names are ordered by their bytes, and each difference is told with its path', async () => {
    const { differences } = await compare(
      { both: '1', 'only a': '', '\xe4': '1', 'deep/er/\xff': 'one', z: '' },
      { both: '1', 'only b': '', '\xe4': '2', 'deep/er/\xff': 'two', z: '' },
    );
    expect(differences).toMatchObject([
      { path: 'deep/er/\\xff', path_base64: b64('deep/er/\xff'), what: 'content', offset_bytes: 0 },
      { path: 'only a', what: 'missing', master: 'file' },
      { path: 'only b', what: 'extra', copy: 'file' },
      { path: '\\xe4', what: 'content' },
    ]);
    expect(differences).toHaveLength(4);
  });

  test('of many names are read in pages', async () => {
    const files = Object.fromEntries(Array.from({ length: 2_500 }, (_, index) => [`f${index}`, '']));
    const { differences, more } = await compare(files, { ...files, f2499: 'x', f2500: '' });
    expect(differences.map(({ path, what }) => [path, what])).toEqual([
      ['f2499', 'size'],
      ['f2499', 'content'],
      ['f2500', 'extra'],
    ]);
    expect(more).toBe(false);
  });

  test('of very many differences tell the first ones, and that there are more', async () => {
    const files = Object.fromEntries(
      Array.from({ length: differences_max + 1 }, (_, index) => [`f${index}`, '']),
    );
    const { differences, more } = await compare(files, {});
    expect(differences).toHaveLength(differences_max);
    expect(more).toBe(true);
    const { differences: all, more: no_more } = await compareTrees(
      scan(makeTree('c', Object.fromEntries(Object.entries(files).slice(1)))),
      scan(makeTree('d', {})),
      never,
    );
    expect([all.length, no_more]).toEqual([differences_max, false]);
  });

  test('a name that is a directory here and a file there is one difference', async () => {
    const { differences } = await compare({ 'x/y': '' }, { x: '' });
    expect(differences).toMatchObject([{ path: 'x', what: 'type', master: 'directory', copy: 'file' }]);
  });

  test('another identity is a difference even if all else is the same', async () => {
    const { differences } = await compareTrees(
      scan(makeTree('a', {}), 'one'),
      scan(makeTree('b', {}), 'two'),
      never,
    );
    expect(differences).toMatchObject([{ path: '.', what: 'identity', master: 'one', copy: 'two' }]);
  });

  test('a comparison that is given up ends', async () => {
    const stopped = AbortSignal.abort(new Error('enough'));
    const [a, b] = [scan(makeTree('a', { x: '' })), scan(makeTree('b', { y: '' }))];
    await expect(compareTrees(a, b, stopped)).rejects.toThrow('enough');
  });

  test('a side whose names do not grow is refused: it would never end', async () => {
    const a = scan(makeTree('a', { x: '' }));
    const b = scan(makeTree('b', { y: '' }));
    const list: ScanSide['list'] = async (at) => ({ ...(await a.side.list(at, null)), more: true });
    await expect(compareTrees({ ...a, side: { ...a.side, list } }, b, never)).rejects.toMatchObject({
      code: 'InvalidMessage',
    });
  });

  test('a long file is narrowed down by its marks, and then by blocks and pieces', async () => {
    const mebibyte = 1024 * 1024;
    for (const name of ['a', 'b']) {
      truncateSync(path.join(makeTree(name, { long: '' }), 'long'), 300 * mebibyte);
    }
    const { open } = await import('node:fs/promises');
    const file = await open(path.join(directory, 'b', 'long'), 'r+');
    await file.write('x', 270 * mebibyte + 5_000);
    await file.close();
    for (const name of ['a', 'b']) {
      utimesSync(path.join(directory, name, 'long'), 1, 1);
      utimesSync(path.join(directory, name), 1, 1);
    }
    const [a, b] = [scan(path.join(directory, 'a')), scan(path.join(directory, 'b'))];
    expect(a.tree.marks(b64('long'))).toHaveLength(1);
    let asked = 0;
    const blocks: ScanSide['blocks'] = (...args) => {
      asked += 1;
      return b.side.blocks(...args);
    };
    const { differences } = await compareTrees(a, { ...b, side: { ...b.side, blocks } }, never);
    expect(differences).toMatchObject([{ what: 'content', offset_bytes: 270 * mebibyte + 4_096 }]);
    expect(asked).toBe(2);
  });
});

describe('a scan answers for its own tree only', () => {
  test('no path leads out of it, through a symlink, or to something else', () => {
    const root = makeTree('a', { 'd/f': 'x' });
    symlinkSync('/etc', path.join(root, 'link'));
    const { tree } = scan(root);
    const paths = ['..', '../b', '/etc', 'd/../..', 'link', 'link/passwd', 'd//f', './d', 'd\0', 'd/f'];
    for (const bad of paths) expect(() => tree.list(b64(bad), null)).toThrow(/the path/);
    for (const bad of ['d', 'link', 'link/passwd', ''])
      expect(() => tree.blocks(b64(bad), 0, 4_096, 1)).toThrow(/the path/);
    expect(() => tree.list(b64('gone'), null)).toThrow('ENOENT');
    expect(tree.list(b64('d'), null).entries).toHaveLength(1);
  });

  test('requests and answers have their shapes', () => {
    const id = '0'.repeat(16);
    expect(scan_params['verify.list'].safeParse({ scan: id, path: '', after: null }).success).toBe(true);
    for (const bad of [
      { path: '', after: null },
      { scan: 'x', path: '', after: null },
      { scan: id, path: '*', after: null },
    ]) {
      expect(scan_params['verify.list'].safeParse(bad).success).toBe(false);
    }
    const blocks = { scan: id, path: '', offset_bytes: 0, block_bytes: 4_096, count: 1 };
    expect(scan_params['verify.blocks'].safeParse(blocks).success).toBe(true);
    for (const bad of [{ block_bytes: 2 ** 30 }, { count: 0 }, { count: 10_000 }, { offset_bytes: -1 }]) {
      expect(scan_params['verify.blocks'].safeParse({ ...blocks, ...bad }).success).toBe(false);
    }
    expect(scan_answers['verify.marks'].safeParse(['x']).success).toBe(false);
    const page = scan_answers['verify.list'].parse(scan(makeTree('page', { x: '' })).tree.list('', null));
    expect(page.entries).toHaveLength(1);
  });
});

const ended = async (thread: ScanThread): Promise<ScanThread['status']> => {
  while (thread.status.state === 'running') await new Promise((resolve) => setTimeout(resolve, 10));
  return thread.status;
};

/** A link that answers what it is told to; an error is thrown. */
const linkOf = (...answers: unknown[]) => {
  const asked: string[] = [];
  const link = {
    peer: { node: 'r1' },
    request: async ({ method }: { method: string }) => {
      asked.push(method);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return { asked, link: () => link as unknown as ControlLink };
};

/** Its time passes only by waiting. */
const clockOf = (): Clock => {
  let now_ms = 0;
  return {
    now: () => now_ms,
    after: (delay_ms, work) => {
      now_ms += delay_ms;
      setImmediate(work);
      return () => {};
    },
  };
};
const lost = (): IcbdError => new IcbdError('LinkLost', 'gone', { operation: 'x' });
describe('a scan on a replica', () => {
  const scan_id = '0'.repeat(16);
  const status = {
    state: 'running',
    phase: 'hashing',
    entries: 1,
    bytes: 2,
    total_bytes: 3,
    summary: null,
    error: null,
  };

  const start = { scan: scan_id, identity: 'one' };

  test('outlives a link that breaks and comes back', async () => {
    const { link, asked } = linkOf(start, lost(), lost(), status);
    const side = await scanThere({ link, clock: clockOf(), signal: never }, 'vm', '1');
    expect(await side.poll()).toEqual(status);
    expect(asked).toEqual(['verify.start', 'verify.poll', 'verify.poll', 'verify.poll']);
  });

  test('does not wait for ever, and not for what is no loss of the link', async () => {
    const { link } = linkOf(start, ...Array.from({ length: 100 }, lost));
    const side = await scanThere({ link, clock: clockOf(), signal: never }, 'vm', '1');
    await expect(side.poll()).rejects.toMatchObject({ code: 'LinkLost' });
    const refused = linkOf(start, new IcbdError('Interrupted', 'gone', { operation: 'x' }), status);
    const other = await scanThere({ link: refused.link, clock: clockOf(), signal: never }, 'vm', '1');
    await expect(other.poll()).rejects.toMatchObject({ code: 'Interrupted' });
    await expect(other.stop()).resolves.toBeUndefined();
  });

  test('is not believed what is no answer', async () => {
    for (const bad of [null, { ...status, bytes: -1 }, { ...status, more: 1 }, { ...status, state: 'x' }]) {
      const { link } = linkOf(start, bad);
      const side = await scanThere({ link, clock: clockOf(), signal: never }, 'vm', '1');
      await expect(side.poll()).rejects.toMatchObject({ code: 'InvalidMessage', subject: 'r1' });
    }
  });
});

describe('the thread', () => {
  test('hashes, answers, and can be stopped', async () => {
    const root = makeTree('a', { 'd/f': 'content' });
    const thread = new ScanThread(root);
    expect(() => thread.status).not.toThrow();
    await expect(thread.ask({ method: 'marks', path: b64('d/f') })).rejects.toMatchObject({
      code: 'NotAllowedNow',
    });
    const { summary, error } = await ended(thread);
    expect(error).toBeNull();
    expect(summary).toMatchObject({ entries: 3, bytes: 7, unreadable_count: 0 });
    expect(await thread.ask({ method: 'list', path: b64('d'), after: null })).toMatchObject({
      entries: [{ name: b64('f'), size_bytes: 7 }],
      more: false,
    });
    await expect(thread.ask({ method: 'marks', path: b64('..') })).rejects.toMatchObject({
      code: 'InvalidArgument',
    });
    await thread.stop();
    await expect(thread.ask({ method: 'marks', path: b64('d/f') })).rejects.toMatchObject({
      code: 'Interrupted',
    });
  });

  test('says that its snapshot is gone', async () => {
    const thread = new ScanThread(path.join(directory, 'gone'));
    expect(await ended(thread)).toMatchObject({ state: 'failed', error: { code: 'SnapshotNotFound' } });
    await thread.stop();
  });
});

test('the output of getfattr is read in pieces of any size', () => {
  const text =
    '# file: .\nuser.r=0x31\n\n# file: a\\012b\\134c\xff\nuser.\\075=0x\ntrusted.t=0x0001\n\n# file: no value\nuser.z\n\n';
  const expected: [string, Xattr[]][] = [
    ['.', [[b64('user.r'), '0x31']]],
    [
      'a\nb\\c\xff',
      [
        [b64('trusted.t'), '0x0001'],
        [b64('user.='), '0x'],
      ],
    ],
    ['no value', [[b64('user.z'), '0x']]],
  ];
  for (const size of [1, 7, 1_000]) {
    const files: [string, Xattr[]][] = [];
    const parser = new XattrParser((file, xattrs) => files.push([file.toString('latin1'), xattrs]));
    const bytes = Buffer.from(text, 'latin1');
    for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
    parser.end();
    expect(files).toEqual(expected);
  }
});

test('times and device numbers are shown as people know them', () => {
  expect(formatNs('1600000001000000001')).toBe('2020-09-13T12:26:41.000000001Z');
  expect(formatNs('-1')).toBe('1969-12-31T23:59:59.999999999Z');
  expect(formatNs('99999999999999999999')).toBe('5138-11-16T09:46:39.999999999Z');
  expect(deviceNumber(0x501n)).toBe('5:1');
  expect(deviceNumber((70_000n & 0xffn) | ((70_000n & ~0xffn) << 12n) | (300n << 8n))).toBe('300:70000');
});
