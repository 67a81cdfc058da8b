/** What `icbdrep snapshot verify` shows to people. */
import type { TreeDifference, VerifiedCopy, VerifyProgress, VerifyReport } from '../../core/verify_report.js';
import { counted, printable } from './text.js';
import { formatBytes, formatDuration, formatPercent, formatRate } from './units.js';
import { type Style, type View, styled } from './view.js';

const style_of_copy: Readonly<Record<VerifiedCopy['state'], Style | undefined>> = {
  hashing: undefined,
  comparing: undefined,
  equal: 'green',
  different: 'red',
  missing: 'red',
  failed: 'yellow',
};

const attribute_words: Readonly<Partial<Record<TreeDifference['what'], string>>> = {
  identity: 'identity differs',
  missing: 'missing on the copy',
  extra: 'not on the master',
  unreadable: 'cannot be read',
};

function subjectOf({ what, offset_bytes, xattr }: TreeDifference): string {
  if (what === 'content' && offset_bytes !== undefined) return `content differs from byte ${offset_bytes}`;
  if (what === 'xattr') return `xattr ${xattr ?? ''} differs`;
  return attribute_words[what] ?? `${what} differs`;
}

/** For example `etc/fstab: mode differs: 0644 on the master, 0600 here`. */
export function describeDifference(difference: TreeDifference): string {
  const { path, what, master, copy } = difference;
  const subject = `${path}: ${subjectOf(difference)}`;
  if (what === 'missing') return printable(`${subject} (${master})`);
  if (what === 'extra') return printable(`${subject} (${copy})`);
  if (what === 'unreadable') {
    return printable(
      master === '' ? `${subject} on the copy: ${copy}` : `${subject} on the master: ${master}`,
    );
  }
  return printable(`${subject}: ${master} on the master, ${copy} on the copy`);
}

function describeCopy({ state, differences, more, error }: VerifiedCopy): string {
  if (state === 'different') {
    const count = differences.length;
    return `${counted(count, 'difference')}${more ? ', and more that are not listed' : ''}`;
  }
  return error === null ? '' : `${error.message} [${error.code}]`;
}

function renderCopy(copy: VerifiedCopy, view: View): string {
  const words = describeCopy(copy);
  const first = `${printable(copy.node)}: ${styled(copy.state, style_of_copy[copy.state], view)}`;
  const lines = [words === '' ? first : `${first}: ${printable(words)}`];
  if (copy.error !== null && copy.error.hint !== '') lines.push(`  hint: ${printable(copy.error.hint)}`);
  return [...lines, ...copy.differences.map((difference) => `  ${describeDifference(difference)}`)].join(
    '\n',
  );
}

/** The end of a comparison. */
export function renderVerify(report: VerifyReport, view: View): string {
  const { image, number, master, copies, skipped, started_at_ms, ended_at_ms } = report;
  const size = `${master.entries} entries, ${formatBytes(master.bytes)}`;
  const time = ended_at_ms === null ? '' : `, in ${formatDuration(ended_at_ms - started_at_ms)}`;
  const lines = [
    `snapshot ${printable(`${image}/${number}`)}: ${size}${time}`,
    ...copies.map((copy) => renderCopy(copy, view)),
    ...skipped.map(({ node, reason }) => printable(`${node}: left out: ${reason}`)),
  ];
  return `${lines.join('\n')}\n`;
}

/** For example `r1 hashing 1.2 GiB of 4.0 GiB, 30 %, 410.0 MiB/s`. */
function describeProgress(progress: VerifyProgress, word: string): string {
  const { node, phase, entries, bytes, total_bytes, rate_bytes_per_s } = progress;
  if (phase === 'listing') return `${node} listing, ${entries} entries`;
  if (phase !== 'hashing') return `${node} ${word}`;
  const amount =
    total_bytes === null ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(total_bytes)}`;
  const rate = rate_bytes_per_s > 0 ? formatRate(rate_bytes_per_s) : '';
  const parts = [amount, formatPercent(bytes, total_bytes), rate].filter((part) => part !== '');
  return `${node} hashing ${parts.join(', ')}`;
}

/** Where all nodes stand, in one line. */
export function renderVerifyProgress({ master, copies }: VerifyReport): string {
  const of_copies = copies.map((copy) =>
    describeProgress(copy, copy.state === 'hashing' ? copy.phase : copy.state),
  );
  return printable([describeProgress(master, master.phase), ...of_copies].join('; '));
}
