import { openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type DestinationStream, type Logger, type LoggerOptions, destination, pino } from 'pino';
import { type ErrorReport, IcbdError } from '../core/errors.js';
import { eventName } from '../core/path.js';
import type { ActorAddress, EffectRecord, EventRecord, OutgoingMessage } from '../core/records.js';
import type { Commit } from '../runtime/ports.js';
import type { TransportLog } from '../transport/transport_log.js';
import { prettyLines } from './pretty_log.js';

function openLog(file: string): number {
  try {
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw new IcbdError('InvalidArgument', `the log cannot be written: ${(error as Error).message}`, {
      operation: 'open log',
      subject: file,
      hint: 'name a file in a directory that is there and may be written',
      cause: error,
    });
  }
}

export type LogFormat = 'json' | 'pretty';

export interface LogOptions {
  /** Name of the node, in every line. */
  readonly node: string;
  readonly level: string;
  /** Default: for people on a terminal, JSON everywhere else. */
  readonly format?: LogFormat | undefined;
  /** Appended to instead of stderr. */
  readonly file?: string | undefined;
}

/** Nothing logs these; should something ever do, they are not written. */
const secret_keys = ['secret', 'token', 'password', 'authorization', 'cookie', 'set-cookie', 'proof'];
const secret_paths = secret_keys.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]);

/**
 * The log of a node, one line an event, on stderr; stdout is left to answers. A line is written when the call returns.
 * @throws IcbdError `InvalidArgument` if the file cannot be written
 */
export function makeLogger({ node, level, format, file }: LogOptions): Logger {
  const is_terminal = file === undefined && isatty(2);
  const target = destination({ fd: file === undefined ? 2 : openLog(file), sync: true });
  const is_pretty = (format ?? (is_terminal ? 'pretty' : 'json')) === 'pretty';
  const options: LoggerOptions = {
    level,
    base: { node },
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secret_paths, censor: '(not shown)' },
  };
  return pino(options, is_pretty ? prettyStream(target, is_terminal) : target);
}

/** In this process: what was logged before an end is there. */
function prettyStream(target: DestinationStream, is_terminal: boolean): DestinationStream {
  const has_colors = is_terminal && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
  const toPretty = prettyLines(has_colors);
  return { write: (line) => target.write(toPretty(line)) };
}

function describeCause({ cause }: EventRecord): string {
  switch (cause.kind) {
    case 'operator':
      return `operator ${cause.who}`;
    case 'peer':
      return `${cause.node} message ${cause.message}`;
    case 'timer':
      return `timer ${cause.timer}`;
    case 'effect':
      return `effect ${cause.effect}`;
    case 'actor':
      return `${cause.actor}:${cause.seq}`;
    case 'daemon':
      return cause.what;
  }
}

/** How lines name an actor; a transfer and its reception have the same id. */
function namesOf({ kind, id }: ActorAddress, about?: unknown): object {
  const actor = `${kind}/${id}`;
  if (kind === 'transfer' || kind === 'reception') return { actor, transfer: id };
  return typeof about === 'string' ? { actor, transfer: about } : { actor };
}

function eventLine(record: EventRecord): object {
  const { seq, event_id, state, state_before, attempt, event } = record;
  return {
    ...namesOf(record, event['transfer']),
    seq,
    event_id,
    event: event.type,
    state,
    state_before,
    ...(attempt === 0 ? {} : { attempt }),
    cause: describeCause(record),
    ...(event['error'] === undefined ? {} : { error: event['error'] }),
  };
}

/** Logs what a commit did; the ids are those of the history. */
export function logCommit(log: Logger, { events, parked }: Pick<Commit, 'events' | 'parked'>): void {
  for (const record of events) {
    const { state, state_before, handled, ignored_reason, event } = record;
    const change =
      state === state_before ? state : `${state_before === '' ? '' : `${state_before} `}-> ${state}`;
    if (!handled) {
      log.debug(
        { ...eventLine(record), reason: ignored_reason },
        `${eventName(event.type)}: ignored in ${state}`,
      );
    } else if (event['error'] === undefined) {
      log.info(eventLine(record), `${eventName(event.type)}: ${change}`);
    } else {
      log.warn(eventLine(record), `${eventName(event.type)}: ${change}`);
    }
  }
  for (const record of parked) {
    const { seq, state, parked_reason: reason } = record;
    log.error(
      { ...namesOf(record), seq, state, reason },
      'parked: it takes no more events until it is unparked',
    );
  }
}

export interface EffectEndLine {
  readonly status: 'done' | 'failed' | 'stopped';
  readonly duration_ms: number;
  readonly error?: ErrorReport;
}

function effectLine({ actor, id, kind, seq }: EffectRecord): object {
  return { ...namesOf(actor), seq, effect: id, kind };
}

export function logEffectStart(log: Logger, effect: EffectRecord): void {
  log.debug(effectLine(effect), `${effect.kind}: started`);
}

/** The event that it reports with tells more; of one that was stopped, this is the only line. */
export function logEffectEnd(log: Logger, effect: EffectRecord, end: EffectEndLine): void {
  log.debug({ ...effectLine(effect), ...end }, `${effect.kind}: ${end.status}`);
}

export function logTransport(log: Logger, entry: TransportLog): void {
  const { kind, ...rest } = entry;
  log.warn(rest, `link: ${kind.replaceAll('_', ' ')}`);
}

/** A message that stays in the outbox because no link takes it. */
export function logUnsendable(log: Logger, { id, peer, to, event }: OutgoingMessage, error: IcbdError): void {
  const line = { peer, message: id, to: `${to.kind}/${to.id}`, event: event.type, error: error.toReport() };
  log.error(line, 'message cannot be sent');
}

/** The last line of a daemon that cannot go on. */
export function logFatal(log: Logger, error: IcbdError): void {
  log.fatal(
    { err: error, error: error.toReport() },
    'cannot go on; the next start goes on from the last commit',
  );
}
