import { readImports, resolveImport, type Sources, withoutComments } from './source.js';

interface Folder {
  /** Other folders of src that it may import from. */
  readonly folders: readonly string[];
  /** Packages it may import; `node:` stands for all modules of Node. */
  readonly packages: readonly string[];
}

/** What each folder of src may see. Only the daemon sees implementations. */
export const house: Readonly<Record<string, Folder>> = {
  core: { folders: [], packages: [] },
  actors: { folders: ['core'], packages: ['xstate'] },
  stream: { folders: ['core'], packages: ['@node-rs/crc32', 'node:'] },
  storage: { folders: ['core'], packages: ['better-sqlite3', 'node:'] },
  transport: { folders: ['core'], packages: ['ws', 'zod', 'node:'] },
  pipeline: {
    folders: ['core'],
    packages: ['execa', 'snappy', 'lz4-napi', '@node-rs/xxhash', '@node-rs/crc32', 'node:'],
  },
  stream_codecs: {
    folders: ['core', 'pipeline'],
    packages: ['snappy', 'lz4-napi', '@node-rs/xxhash', '@node-rs/crc32', 'node:'],
  },
  // The stream's types and firewall are pure, and a receive without them would not be safe.
  btrfs: { folders: ['core', 'pipeline', 'stream'], packages: ['execa', 'node:'] },
  runtime: { folders: ['core', 'actors'], packages: ['xstate', 'node:crypto'] },
  // What has happened to an actor, seen again without doing anything.
  inspection: { folders: ['core', 'actors', 'runtime'], packages: ['xstate', 'zod'] },
  // Also in a browser: no module of Node.
  diagram: { folders: ['core'], packages: ['@dagrejs/dagre'] },
  client: { folders: ['core'], packages: ['node:'] },
  library: { folders: ['core', 'client', 'stream_codecs'], packages: ['node:'] },
  // What icbdrep does without a daemon: it sees implementations, so that the command line need not.
  tools: {
    folders: ['core', 'stream', 'stream_codecs', 'btrfs', 'pipeline', 'inspection'],
    packages: ['node:'],
  },
  cli: {
    folders: ['core', 'client', 'tools', 'diagram'],
    packages: ['commander', 'smol-toml', 'execa', 'node:'],
  },
  web: { folders: ['core', 'diagram'], packages: ['preact', '@preact/signals', 'uplot'] },
  daemon: {
    folders: [
      'core',
      'actors',
      'stream',
      'storage',
      'transport',
      'pipeline',
      'btrfs',
      'runtime',
      'inspection',
      'client',
    ],
    packages: [
      'commander',
      'execa',
      'pino',
      'pino-pretty',
      'prom-client',
      're2js',
      'smol-toml',
      'zod',
      'node:',
    ],
  },
};

const packageOf = (imported: string): string =>
  imported.startsWith('@') ? imported.split('/').slice(0, 2).join('/') : (imported.split('/')[0] ?? '');

/** Imports that go where the folder may not see. */
export function checkImports(sources: Sources): string[] {
  return [...sources].flatMap(([file, source]) => {
    const name = file.split('/')[1] ?? '';
    const folder = house[name];
    if (folder === undefined) return [`${file}: the house has no folder ${name}`];
    return readImports(source).flatMap((imported) => {
      if (imported.startsWith('.')) {
        const target = resolveImport(file, imported, sources);
        const target_folder = target.split('/')[1] ?? '';
        if (!sources.has(target)) return [`${file}: imports ${target}, which is not there`];
        const is_allowed = target_folder === name || folder.folders.includes(target_folder);
        return is_allowed ? [] : [`${file}: ${name} must not import ${target_folder}`];
      }
      const wanted = imported.startsWith('node:') ? 'node:' : packageOf(imported);
      const is_known = folder.packages.includes(wanted) || folder.packages.includes(imported);
      return is_known ? [] : [`${file}: ${name} must not import ${imported}`];
    });
  });
}

/** Files that import each other in a circle, each circle once. */
export function findCycles(sources: Sources): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) {
      cycles.push([...way.slice(way.indexOf(file)), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const imported of readImports(sources.get(file) ?? '')) {
      if (imported.startsWith('.')) visit(resolveImport(file, imported, sources), [...way, file]);
    }
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
  return cycles;
}

const impure = /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bperformance\.now\b|\bcrypto\.random\w+/;
const random_import = /import\s*\{[^}]*\brandom(?:UUID|Bytes|Int)\b[^}]*\}\s*from\s*'node:crypto'/;

/** Clocks and randomness outside of the places that may have them. */
export function checkPurity(sources: Sources): string[] {
  return [...sources].flatMap(([file, source]) => {
    if (/^src\/(daemon|cli)\/|^src\/web\/clock\.ts$/.test(file)) return [];
    const code = withoutComments(source);
    const [found] = impure.exec(code) ?? random_import.exec(code) ?? [];
    return found === undefined ? [] : [`${file}: ${found.replaceAll(/\s+/g, ' ')}`];
  });
}

/** Shape of the files of src. */
export function checkShape(sources: Sources): string[] {
  return [...sources].flatMap(([file, source]) => [
    ...(/(^|\/)index\.tsx?$/.test(file) ? [`${file}: a barrel`] : []),
    ...(/^\s*export\s*\*/m.test(withoutComments(source)) ? [`${file}: passes everything on`] : []),
    ...(/^export default\b/m.test(source) ? [`${file}: a default export`] : []),
    ...(source.split('\n').length - 1 > 400 ? [`${file}: more than 400 lines`] : []),
  ]);
}

const unfinished = /TODO|FIXME|HACK|for now\b|\.only\(|\.skip\(|\.todo\(/;

/** Words of what is not finished, and tests that do not run. */
export function checkWords(sources: Sources): string[] {
  return [...sources].flatMap(([file, source]) =>
    source.split('\n').flatMap((line, index) => {
      const [found] = unfinished.exec(line) ?? [];
      return found === undefined ? [] : [`${file}:${index + 1}: ${found}`];
    }),
  );
}

const registry = /registry\.(?!test)[a-z-]+\.[a-z]+|"resolved"/;

/** Names of hosts that packages come from: whose they are is the business of the machine's own config. */
export function checkHosts(sources: Sources): string[] {
  return [...sources].flatMap(([file, source]) => {
    const [found] = registry.exec(source) ?? [];
    return found === undefined ? [] : [`${file}: ${found}`];
  });
}
