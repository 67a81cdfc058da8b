/** The addresses of the page's views. */
export type View =
  | { readonly view: 'fleet' }
  | { readonly view: 'transfers' }
  | { readonly view: 'transfer'; readonly id: string }
  | { readonly view: 'replicas' }
  | { readonly view: 'replica'; readonly name: string }
  | { readonly view: 'image'; readonly name: string }
  | { readonly view: 'unknown' };

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param path for example `/transfers/17-3fa9` */
export function viewOf(path: string): View {
  const parts = path.split('/').filter((part) => part !== '');
  const [first, second] = parts.map(decode);
  if (parts.length > 2) return { view: 'unknown' };
  if (first === undefined) return { view: 'fleet' };
  if (first === 'transfers') return second === undefined ? { view: first } : { view: 'transfer', id: second };
  if (first === 'replicas') return second === undefined ? { view: first } : { view: 'replica', name: second };
  if (first === 'images' && second !== undefined) return { view: 'image', name: second };
  return { view: 'unknown' };
}

/** Dots are written so that the master does not take the address for that of a file. */
const part = (text: string): string => encodeURIComponent(text).replaceAll('.', '%2E');

export const fleet_path = '/';
export const transfers_path = '/transfers';
export const replicas_path = '/replicas';
export const transferPath = (id: string): string => `/transfers/${part(id)}`;
export const replicaPath = (name: string): string => `/replicas/${part(name)}`;
export const imagePath = (name: string): string => `/images/${part(name)}`;
