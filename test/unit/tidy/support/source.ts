import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

export const root = new URL('../../../../', import.meta.url).pathname;

/** Files by their path from the root. */
export type Sources = ReadonlyMap<string, string>;

/** All files under some folders of the repository whose names `matches`. */
export function readSources(folders: readonly string[], matches: RegExp): Sources {
  const files = folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && matches.test(entry.name))
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name))),
  );
  return new Map(files.toSorted().map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
}

/** A comment, or what only looks like the beginning of one: a string. */
const comment_or_string = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;

/** The code alone; strings are kept. */
export function withoutComments(source: string): string {
  return source.replaceAll(comment_or_string, (match) => (match.startsWith('/') ? ' ' : match));
}

const specifier =
  /(?:^|[;}\s])(?:import|export)\s(?:[\w\s{},*$]*?from\s*)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g;

/** What a file imports, or passes on, as it is written there. */
export function readImports(source: string): string[] {
  return [...withoutComments(source).matchAll(specifier)].map(([, named, dynamic]) => named ?? dynamic ?? '');
}

/** The file that a relative import names, from the root: of `sources`, if one with or without JSX is there. */
export function resolveImport(from: string, imported: string, sources: Sources): string {
  const file = path.posix.join(path.posix.dirname(from), imported).replace(/\.js$/, '.ts');
  return sources.has(`${file}x`) ? `${file}x` : file;
}
