import { openSync } from 'node:fs';
import { type Logger, destination, pino } from 'pino';
import { IcbdError } from '../core/errors.js';
import type { EventRecord, OutgoingMessage } from '../core/records.js';
import type { Commit } from '../runtime/ports.js';
import type { TransportLog } from '../transport/transport_log.js';

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

/**
 * One JSON line an event, on stderr; stdout is left to answers.
 * @param file appended to instead of stderr
 * @throws IcbdError `InvalidArgument` if it cannot be written
 */
export function makeLogger(node: string, level: string, file?: string): Logger {
  return pino(
    { level, base: { node }, formatters: { level: (label) => ({ level: label }) } },
    destination({ fd: file === undefined ? 2 : openLog(file), sync: true }),
  );
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

/** Logs what a commit did; the ids are those of the history. */
export function logCommit(log: Logger, commit: Commit): void {
  for (const record of commit.events) {
    const { kind, id, seq, state, handled, event } = record;
    const line = { actor: `${kind}/${id}`, seq, event: event.type, state, cause: describeCause(record) };
    const { error } = event;
    if (!handled) log.debug({ ...line, handled }, 'event ignored');
    else if (error === undefined) log.info(line, `${event.type} -> ${state}`);
    else log.warn({ ...line, error }, `${event.type} -> ${state}`);
  }
  for (const { kind, id, parked_reason } of commit.parked) {
    log.error({ actor: `${kind}/${id}`, reason: parked_reason }, 'actor parked: it takes no more events');
  }
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
