/** Paths in a send stream: bytes, relative to the subvolume. */

/** The longest that the kernel takes, without the NUL at its end. */
const path_bytes_max = 4095;
const component_bytes_max = 255;

/** The components of a path, in latin1: one character for each byte. */
export type PathComponents = readonly string[];

/** Why it is no path inside a subvolume, or its components. */
export type CheckedPath = { readonly reason: string } | { readonly components: PathComponents };

function findFault(path: Buffer, components: PathComponents): string | undefined {
  if (path.length === 0) return 'the path is empty';
  if (path.length > path_bytes_max) return `the path has ${path.length} bytes, over ${path_bytes_max}`;
  if (path.includes(0)) return 'the path has a NUL in it';
  if (components[0] === '') return 'the path is absolute';
  for (const component of components) {
    if (component === '') return 'the path has an empty component';
    if (component === '.' || component === '..') return `the path has a component "${component}"`;
    if (component.length > component_bytes_max) {
      return `a component of the path has ${component.length} bytes, over ${component_bytes_max}`;
    }
  }
  return undefined;
}

/** A path relative to its subvolume, that stays inside of it as far as its text says. */
export function checkPath(path: Buffer): CheckedPath {
  const components = path.length > path_bytes_max ? [] : path.toString('latin1').split('/');
  const reason = findFault(path, components);
  return reason === undefined ? { components } : { reason };
}
