/** What programs complain about on stderr, and what an operator can do about it. */
import type { ErrorCode } from '../core/errors.js';

export interface Complaint {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryable?: boolean;
}

/** The text after the colon is the C library's for errno, in English since LC_ALL=C is set. */
const complaints: readonly Complaint[] = [
  {
    pattern: /No space left on device/,
    code: 'NoSpace',
    hint: 'delete old snapshots or add a disk; "btrfs filesystem usage" tells whether metadata is what is full',
  },
  {
    pattern: /Disk quota exceeded/,
    code: 'NoSpace',
    hint: 'a quota group is at its limit: "btrfs qgroup show -r PATH"',
  },
  {
    pattern: /Operation not permitted|Permission denied/,
    code: 'NotPermitted',
    hint: 'the daemon must run as root, or with CAP_SYS_ADMIN',
  },
  {
    pattern: /Read-only file system/,
    code: 'BtrfsFailed',
    hint: 'the target is a read-only subvolume, or the filesystem is: mounted so, or by the kernel after an error; see dmesg',
  },
  {
    pattern: /Input\/output error|Structure needs cleaning/,
    code: 'BtrfsFailed',
    hint: 'the disk or the filesystem is damaged: see dmesg and "btrfs device stats"',
  },
  {
    pattern: /not a btrfs filesystem/i,
    code: 'BtrfsPathNotFound',
    hint: 'the path must lie on a mounted btrfs',
  },
  {
    pattern: /Invalid cross-device link/,
    code: 'BtrfsFailed',
    hint: 'source and target must lie on the same btrfs',
    retryable: false,
  },
  {
    pattern: /Directory not empty/,
    code: 'BtrfsFailed',
    hint: 'it holds other subvolumes; they are never deleted along with it',
    retryable: false,
  },
];

/** What a program's stderr complains about; undefined if it is nothing that is known. */
export function complaintIn(text: string): Complaint | undefined {
  return complaints.find(({ pattern }) => pattern.test(text));
}
