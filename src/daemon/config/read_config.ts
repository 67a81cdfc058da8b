import { readFileSync } from 'node:fs';
import { TomlError, parse } from 'smol-toml';
import type { z } from 'zod';
import { IcbdError } from '../../core/errors.js';

function invalid(file: string, message: string, cause?: unknown): IcbdError {
  return new IcbdError('InvalidConfig', `${file}: ${message}`, {
    operation: 'read config',
    subject: file,
    hint: 'packaging/ holds an example with every key; `--check` only checks',
    cause,
  });
}

function readToml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(file, `cannot be read: ${(error as Error).message}`, error);
  }
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw invalid(file, `line ${error.line}, column ${error.column}: ${error.message.split('\n')[0]}`, error);
  }
}

/** @throws IcbdError `InvalidConfig` that names every wrong key and value */
export function readConfig<T>(schema: z.ZodType<T>, file: string): T {
  const result = schema.safeParse(readToml(file));
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => {
    const where = issue.path.map(String).join('.');
    return where === '' ? issue.message : `${where}: ${issue.message}`;
  });
  throw invalid(file, issues.join('; '), result.error);
}
