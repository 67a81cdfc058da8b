import { IcbdError } from './errors.js';

/** The longest name that btrfs takes, in bytes. */
const name_bytes_max = 255;

/** Subvolumes and directories of ours in an image's directory start with this; it can never be a snapshot's name. */
export const hidden_prefix = '.icbdrep-';

const loneSurrogate = /\p{Surrogate}/u;

function checkName(kind: 'image' | 'snapshot' | 'node', name: string): string {
  const refuse = (why: string): never => {
    throw new IcbdError('InvalidArgument', `${kind} name ${JSON.stringify(name)} ${why}`, {
      operation: 'check name',
      subject: name,
      hint: `the name of ${kind === 'image' ? 'an' : 'a'} ${kind} is one path component: letters, digits and signs, no "/", not starting with "."`,
    });
  };
  if (name === '') refuse('is empty');
  if (name.includes('/')) refuse('contains "/"');
  if (name.startsWith('.')) refuse('starts with "."');
  for (let index = 0; index < name.length; index += 1) {
    const code = name.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) refuse('contains NUL or another control character');
  }
  if (name.startsWith('-')) refuse('starts with "-"');
  // Each would be written as U+FFFD: two names would be one directory.
  if (loneSurrogate.test(name)) refuse('is not well-formed Unicode');
  if (Buffer.byteLength(name) > name_bytes_max) refuse(`is longer than ${name_bytes_max} bytes`);
  return name;
}

/**
 * Checks that `name` can be an image's directory under the mount point.
 * @returns the name itself
 * @throws IcbdError `InvalidArgument` for a name with `/`, NUL or control characters, a leading `.` or `-`,
 *   an empty one, one with half a surrogate pair, or one over 255 bytes
 */
export function checkImageName(name: string): string {
  return checkName('image', name);
}

/** As `checkImageName`, for a snapshot's number: usually decimal digits, other names are allowed. */
export function checkSnapshotNumber(name: string): string {
  return checkName('snapshot', name);
}

/** As `checkImageName`, for a node's name. */
export function checkNodeName(name: string): string {
  return checkName('node', name);
}

const decimal = /^(0|[1-9][0-9]*)$/;

/** Whether a snapshot's name is a decimal number without leading zeros: such names have an order of their own. */
export function isDecimalNumber(name: string): boolean {
  return decimal.test(name);
}

/**
 * Orders snapshot numbers by what they say alone: decimal numbers by value, then all other names by UTF-16 code
 * units. Numbers of any length are compared exactly. `compareSnapshots` knows when the others were made.
 */
export function compareSnapshotNumbers(a: string, b: string): number {
  const a_is_number = decimal.test(a);
  const b_is_number = decimal.test(b);
  if (a_is_number !== b_is_number) return a_is_number ? -1 : 1;
  if (a_is_number && a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The number for the next snapshot: one more than the largest decimal number among `numbers`, or `1`.
 */
export function nextSnapshotNumber(numbers: readonly string[]): string {
  let largest = 0n;
  for (const number of numbers) {
    if (decimal.test(number) && BigInt(number) > largest) largest = BigInt(number);
  }
  return String(largest + 1n);
}
