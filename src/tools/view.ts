/** What `icbdrep view` reads: without a daemon, and without doing anything. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { IcbdError } from '../core/errors.js';
import type { ExportFile } from '../core/export_file.js';
import { type ViewedExport, readExport, viewExport } from '../inspection/view.js';

/**
 * Reads an export file, or standard input for `-`.
 * @throws IcbdError `InvalidArgument` if it cannot be read or is no export, `NotPermitted`, `SchemaTooNew`,
 *   `CorruptData`
 */
export async function openExport(file: string): Promise<ViewedExport> {
  if (file === '-') return readExport(await text(process.stdin), 'standard input');
  return readExport(await readText(file), file);
}

/** The same of what a daemon has just told. */
export function viewActor(file: ExportFile): ViewedExport {
  return viewExport(file);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const details = { operation: 'read export', subject: file, cause: error };
    if (code === 'EACCES' || code === 'EPERM') {
      throw new IcbdError('NotPermitted', `${file} may not be read`, details);
    }
    const reasons: Record<string, string> = { ENOENT: 'there is no such file', EISDIR: 'it is a directory' };
    throw new IcbdError('InvalidArgument', `${file} cannot be read: ${reasons[code] ?? message}`, {
      ...details,
      hint: 'give a file that `icbdrep transfer export` has written, or "-" for standard input',
    });
  }
}
