/** Parts of many answers, as the description of the API tells them. */
import { z } from 'zod';
import { codec_names } from '../../../core/codecs.js';
import { type ErrorCode, type ErrorReport, error_codes } from '../../../core/errors.js';

export const codec = z.enum(codec_names);
export const at_ms = z.number().describe('unix time, ms');
export const count = z.int().min(0);
/** `.nullable()`: with a word about what null means. */
export const at_ms_or = (meaning: string) =>
  z.number().nullable().describe(`unix time, ms; null: ${meaning}`);
export const actor_kind = z.enum(['image', 'replica', 'transfer', 'reception']);

export const errorSchema: z.ZodType<ErrorReport> = z
  .strictObject({
    code: z
      .enum(Object.keys(error_codes) as [ErrorCode, ...ErrorCode[]])
      .describe('what programs branch on; a code is never renamed'),
    message: z.string(),
    operation: z.string().describe('what was being done, for example `btrfs receive`'),
    subject: z.string().describe('what it was about: a path, an image, a peer'),
    retryable: z.boolean().describe('whether trying again can help'),
    hint: z.string().describe('what the operator can do about it; empty if nothing is known'),
  })
  .meta({ id: 'ErrorReport' });

/** What every refused request is answered with. */
export const errorAnswer = z.strictObject({ error: errorSchema }).meta({ id: 'ErrorAnswer' });
