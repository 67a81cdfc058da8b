/** What `icbdrep doctor` shows to people. */
import type { DoctorCheck, DoctorReport, LeftoverRemoval, LeftoverReport } from '../../core/doctor_report.js';
import { counted, printable } from './text.js';
import { type Style, type View, styled } from './view.js';

const style_of_status: Readonly<Record<DoctorCheck['status'], Style>> = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
};

function renderCheck({ name, status, text, hint }: DoctorCheck, view: View): string {
  const word = styled(status.padEnd(4), style_of_status[status], view);
  const line = `${word}  ${printable(name)}: ${printable(text)}\n`;
  return hint === '' ? line : `${line}      hint: ${printable(hint)}\n`;
}

/** Why it is there, and whether it is removed by `doctor --fix`. */
export function renderLeftover({ path, is_complete, is_removable, reason }: LeftoverReport): string {
  const what = is_complete ? ', a whole part that is no checkpoint' : '';
  const left = is_removable ? '' : '; left alone';
  return `  ${printable(path)}: ${printable(reason)}${what}${left}\n`;
}

function renderVerdict(checks: readonly DoctorCheck[]): string {
  const count = (wanted: DoctorCheck['status']): number =>
    checks.filter(({ status }) => status === wanted).length;
  const [failed, warned] = [count('fail'), count('warn')];
  if (failed === 0 && warned === 0) return 'nothing is wrong\n';
  const parts = [
    failed === 0 ? '' : `${counted(failed, 'check')} failed`,
    warned === 0 ? '' : counted(warned, 'warning'),
  ];
  return `${parts.filter((part) => part !== '').join(', ')}\n`;
}

export function renderDoctor({ checks, leftovers }: DoctorReport, view: View): string {
  const lines = checks.map((check) => renderCheck(check, view)).join('');
  return lines + leftovers.map(renderLeftover).join('') + renderVerdict(checks);
}

/** One line for each that was to be removed. */
export function renderRemovals(removals: readonly LeftoverRemoval[]): string {
  return removals
    .map(({ image, name, is_removed, reason }) =>
      printable(`${image}/${name}: ${is_removed ? 'removed' : `not removed: ${reason}`}`),
    )
    .map((line) => `${line}\n`)
    .join('');
}
