/** All about one transfer, on one screen. */
import type { TransferReport } from '../../core/report.js';
import type { VerbReport } from '../../core/verbs.js';
import { describeProgress, renderBar } from './progress.js';
import type { Cell } from './table.js';
import { describeNext, shownState } from './transfer_states.js';
import { formatBytes, formatDuration, formatPercent, formatRelative, formatTime } from './units.js';
import { type View, styleOfState } from './view.js';
import { renderWrapped } from './wrap.js';

export interface TransferViewOptions {
  /** Also what is not possible now, and why. */
  readonly all?: boolean | undefined;
}

type Field = readonly [string, Cell];

const timeOf = (at_ms: number, view: View): string =>
  `${formatTime(at_ms)} (${formatRelative(at_ms, view.now_ms)})`;

const joined = (parts: readonly string[], between = ', '): string =>
  parts.filter((part) => part !== '').join(between);

function describeResult(transfer: TransferReport): string {
  if (transfer.state !== 'completed') return '';
  if (transfer.already_there) return 'the replica held the snapshot before; nothing was sent';
  const took = formatDuration(transfer.updated_at_ms - transfer.created_at_ms);
  const proof = transfer.hash === '' ? '' : `; both sides have the hash ${transfer.hash} (XXH3)`;
  return `${formatBytes(transfer.stream_bytes ?? 0)} in ${took}, from the request to the end${proof}`;
}

function describeParent(transfer: TransferReport): string {
  if (transfer.plan_reason === '') return transfer.parent ?? '';
  const kind = transfer.parent === null ? 'none, sent in full' : `${transfer.parent}, sent as an increment`;
  return `${kind}: ${transfer.plan_reason}`;
}

function describeStream(transfer: TransferReport): string {
  return joined([
    transfer.stream_version === null ? '' : `version ${transfer.stream_version}`,
    transfer.codec === null ? '' : `codec ${transfer.codec}`,
    transfer.ssh ? 'through ssh' : '',
  ]);
}

/** Where it stands, or where it stood when it moved last. */
function progressFields(transfer: TransferReport, view: View): Field[] {
  const { progress, last_progress: last, resumed_bytes } = transfer;
  const resumed = resumed_bytes === 0 ? '' : `went on at ${formatBytes(resumed_bytes)}`;
  if (progress !== null) {
    // With the time left, the line would be longer than many screens.
    const [amount = '', left] = describeProgress(transfer).split(', ETA ');
    const ready = left === undefined ? '' : `ready in about ${left}`;
    return [
      ['progress', `${renderBar(transfer)}  ${amount}`],
      ['', joined([ready, `${formatBytes(progress.link_bytes)} on the link`, resumed])],
    ];
  }
  if (last === null) return [['progress', transfer.settled ? '' : resumed]];
  const { stream_bytes, total_bytes } = last;
  const total = total_bytes === null ? '' : ` of ${formatBytes(total_bytes)}`;
  const percent = formatPercent(stream_bytes, total_bytes);
  const stood = joined([`${formatBytes(stream_bytes)}${total}`, percent, resumed]);
  return [['progress', `${stood} when bytes moved last, at ${timeOf(last.at_ms, view)}`]];
}

/** What no crash takes away, and what is sent again after one. */
function describeCheckpoint(transfer: TransferReport, view: View): string {
  const { checkpoint_bytes, checkpoint_at_ms, progress, last_progress, state } = transfer;
  const taken_bytes = (progress ?? last_progress)?.taken_bytes ?? 0;
  if (checkpoint_bytes === null || state === 'completed' || state === 'cancelled') return '';
  const since = checkpoint_at_ms === null ? '' : ` at ${timeOf(checkpoint_at_ms, view)}`;
  // What it made safe when the link broke it could not tell.
  const least = progress === null ? 'at least ' : '';
  const kept =
    checkpoint_bytes === 0 ? 'nothing on the disk' : `${least}${formatBytes(checkpoint_bytes)} on the disk`;
  const more = taken_bytes - checkpoint_bytes;
  const loose = more > 0 ? `; ${formatBytes(more)} more are taken and not yet safe` : '';
  return `${kept} of ${transfer.replica}${since}${loose}`;
}

function describeAttempts(transfer: TransferReport, view: View): string {
  const { attempt, attempt_at_ms, failures, link_losses } = transfer;
  return joined([
    attempt_at_ms === null ? String(attempt) : `${attempt}, the last since ${timeOf(attempt_at_ms, view)}`,
    failures === 0 ? '' : `${failures} failed in a row`,
    link_losses === 0
      ? ''
      : `the link was lost ${link_losses === 1 ? 'once' : `${link_losses} times`} while it sent`,
  ]);
}

function errorFields({ last_error }: TransferReport): Field[] {
  if (last_error === null) return [];
  const { message, code, operation, subject, hint } = last_error;
  const during = joined([operation, subject], ' of ');
  const where = during === '' ? '' : ` during ${during}`;
  return [
    ['last error', { text: `${message} [${code}]${where}`, style: 'red' }],
    ['hint', hint],
  ];
}

/** What happens next, and when; the first timer stands in its words already. */
function nextFields(transfer: TransferReport, view: View): Field[] {
  const more = transfer.settled ? [] : transfer.timers.slice(1);
  return [
    ['next', describeNext(transfer, view.now_ms)],
    ...more.map(({ meaning, due_at_ms }): Field => ['', `${timeOf(due_at_ms, view)}: ${meaning}`]),
  ];
}

const commandOf = (verb: string, id: string): string => `icbdrep transfer ${verb} ${id}`;

const isAllowed = ({ is_allowed }: VerbReport): boolean => is_allowed;

/** The exact commands that do something now, two on a line; the others only if somebody asks. */
function verbFields({ id, verbs }: TransferReport, all: boolean): Field[] {
  const allowed = verbs.filter(isAllowed).map(({ verb }) => commandOf(verb, id));
  const lines: string[] = [];
  for (let index = 0; index < allowed.length; index += 2) {
    lines.push(allowed.slice(index, index + 2).join(', '));
  }
  const refused = verbs.filter((verb) => !isAllowed(verb));
  return [
    ...lines.map((line, index): Field => [index === 0 ? 'you can' : '', line]),
    ...(all
      ? refused.map(
          ({ verb, reason }, index): Field => [
            index === 0 ? 'not now' : '',
            { text: reason === '' ? verb : `${verb}: ${reason}`, style: 'dim' },
          ],
        )
      : []),
  ];
}

function describeOrigin({ forked_from }: TransferReport): string {
  return forked_from === null ? '' : `${forked_from.transfer}, after its event ${forked_from.seq}`;
}

/** What, from where to where, why so, where it stands, what went wrong, what comes next, and what can be done. */
export function renderTransfer(
  transfer: TransferReport,
  view: View,
  options: TransferViewOptions = {},
): string {
  const state = shownState(transfer);
  const { id, image, number, master, replica } = transfer;
  const from = master === '' ? '' : ` from ${master}`;
  const fields: Field[] = [
    ['transfer', { text: `${id}: snapshot ${image}/${number}${from} to ${replica}`, style: 'bold' }],
    ['forked from', describeOrigin(transfer)],
    ['state', { text: `${state}: ${transfer.state_description}`, style: styleOfState(state) }],
    ['parked because', { text: transfer.parked_reason, style: 'red' }],
    ...progressFields(transfer, view),
    ['checkpoint', describeCheckpoint(transfer, view)],
    ['result', describeResult(transfer)],
    ['parent', describeParent(transfer)],
    ['stream', describeStream(transfer)],
    ['attempts', describeAttempts(transfer, view)],
    ...errorFields(transfer),
    ...nextFields(transfer, view),
    ...verbFields(transfer, options.all === true),
    ['requested', timeOf(transfer.created_at_ms, view)],
    ['last change', timeOf(transfer.updated_at_ms, view)],
  ];
  return renderWrapped(fields, view);
}
