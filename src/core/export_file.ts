/** All of one actor in one file, to be looked at on any machine. */
import type { MachineGraph } from './machine_report.js';
import type { ActorKind, ActorRecord, EffectRecord, EventRecord, TimerRecord } from './records.js';

export const export_format = 'icbdrep-export';
/** Raised when an older program could not read the file. */
export const export_format_version = 1;

export interface ExportFile {
  readonly format: typeof export_format;
  readonly format_version: number;
  readonly program_version: string;
  /** Name of the node that the actor is of. */
  readonly node: string;
  readonly exported_at_ms: number;
  readonly machine: { readonly kind: ActorKind; readonly version: number };
  /** As its row was, with its last snapshot. */
  readonly actor: ActorRecord;
  /** All that are kept, oldest first. */
  readonly events: readonly EventRecord[];
  readonly effects: readonly EffectRecord[];
  /** Those that ran. */
  readonly timers: readonly TimerRecord[];
  /** The machine, so that a program that has another version of it can draw it. */
  readonly graph: MachineGraph;
}
