import { machines } from '../actors/machines.js';
import type { ExportFile } from '../core/export_file.js';
import type { StepsReport } from '../core/machine_report.js';
import { parseExport } from './export_file.js';
import { inspectSteps } from './steps.js';

/** An export, and what this program's machines make of it. */
export interface ViewedExport {
  readonly file: ExportFile;
  readonly report: StepsReport;
}

export function viewExport(file: ExportFile): ViewedExport {
  return { file, report: inspectSteps(machines[file.actor.kind], file.actor, file.events) };
}

/**
 * The same of a file's text.
 * @throws IcbdError as `parseExport`
 */
export function readExport(text: string, name: string): ViewedExport {
  return viewExport(parseExport(text, name));
}
