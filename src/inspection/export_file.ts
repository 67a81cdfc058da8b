/** Export files are read by other releases and come from other people: nothing in them is taken on trust. */
import { z } from 'zod';
import { IcbdError } from '../core/errors.js';
import { type ExportFile, export_format, export_format_version } from '../core/export_file.js';
import { actorRecord, effectRecord, eventRecord, machineGraph, timerRecord } from './record_schemas.js';

const kinds = z.enum(['image', 'replica', 'transfer', 'reception']);

/** What a later release of the same format adds is left out. */
export const exportFileSchema: z.ZodType<ExportFile> = z
  .object({
    format: z.literal(export_format),
    format_version: z.literal(export_format_version),
    program_version: z.string(),
    node: z.string(),
    exported_at_ms: z.number(),
    machine: z.object({ kind: kinds, version: z.int() }),
    actor: actorRecord,
    events: z.array(eventRecord),
    effects: z.array(effectRecord),
    timers: z.array(timerRecord),
    graph: machineGraph,
  })
  .meta({ id: 'ExportFile' });

const head = z.object({
  format: z.literal(export_format),
  format_version: z.int(),
  program_version: z.string(),
});

interface ExportParts extends Pick<ExportFile, 'node' | 'program_version' | 'exported_at_ms'> {
  readonly actor: ExportFile['actor'];
  readonly events: ExportFile['events'];
  readonly effects: ExportFile['effects'];
  readonly timers: ExportFile['timers'];
  readonly graph: ExportFile['graph'];
}

export function makeExport({ node, program_version, exported_at_ms, ...parts }: ExportParts): ExportFile {
  const { kind, machine_version: version } = parts.actor;
  return {
    format: export_format,
    format_version: export_format_version,
    program_version,
    node,
    exported_at_ms,
    machine: { kind, version },
    ...parts,
  };
}

/**
 * Reads an export file.
 * @param name what the file is called in messages
 * @throws IcbdError `InvalidArgument` if it is no export, `SchemaTooNew` if a newer release wrote it,
 *   `CorruptData` if it is damaged, and says where
 */
export function parseExport(text: string, name: string): ExportFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const is_export = text.slice(0, 1_000).includes(export_format);
    throw is_export ? damaged(name, (error as Error).message, error) : notAnExport(name, error);
  }
  const found = head.safeParse(value);
  if (!found.success) throw notAnExport(name, found.error);
  const { format_version, program_version } = found.data;
  if (format_version > export_format_version) {
    const what = `it has format ${format_version}, and this program knows ${export_format_version}`;
    throw new IcbdError('SchemaTooNew', `${name} cannot be read: ${what}`, {
      operation: 'read export',
      subject: name,
      hint: `use icbdrep ${program_version}, which wrote it, or a newer one`,
    });
  }
  const parsed = exportFileSchema.safeParse(value);
  if (!parsed.success) throw damaged(name, describe(parsed.error), parsed.error);
  checkBelonging(parsed.data, name);
  return parsed.data;
}

/** All of it is of one actor. */
function checkBelonging({ machine, actor, events, effects, timers }: ExportFile, name: string): void {
  const isOther = ({ kind, id }: { kind: string; id: string }): boolean =>
    kind !== actor.kind || id !== actor.id;
  const other = (list: string, index: number): void => {
    if (index >= 0)
      throw damaged(name, `${list}.${index} is of another actor than ${actor.kind}/${actor.id}`);
  };
  if (machine.kind !== actor.kind) throw damaged(name, 'machine.kind is not the kind of the actor');
  other('events', events.findIndex(isOther));
  other(
    'effects',
    effects.findIndex((effect) => isOther(effect.actor)),
  );
  other(
    'timers',
    timers.findIndex((timer) => isOther(timer.actor)),
  );
}

/** The first places that do not fit, for example `events.3.seq: expected number, received string`. */
function describe({ issues }: z.ZodError): string {
  const places = issues.slice(0, 3).map(({ path, message }) => {
    const where = path.length === 0 ? 'the file' : path.join('.');
    return `${where}: ${message.replace(/^Invalid input: /, '')}`;
  });
  const more = issues.length - places.length;
  return more > 0 ? `${places.join('; ')}; and ${more} more` : places.join('; ');
}

function damaged(name: string, where: string, cause?: unknown): IcbdError {
  return new IcbdError('CorruptData', `${name} is damaged: ${where}`, {
    operation: 'read export',
    subject: name,
    hint: 'export it again, and compare the sizes after it was copied',
    retryable: false,
    cause,
  });
}

function notAnExport(name: string, cause: unknown): IcbdError {
  return new IcbdError('InvalidArgument', `${name} is no export of icbdrep`, {
    operation: 'read export',
    subject: name,
    hint: 'give a file that `icbdrep transfer export` has written',
    cause,
  });
}
