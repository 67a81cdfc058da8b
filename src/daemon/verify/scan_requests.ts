/** The requests of a master about the snapshots of its replicas' images, and the shapes of their answers. */
import { z } from 'zod';
import { type ErrorReport, isErrorCode } from '../../core/errors.js';
import type { SnapshotScans } from './snapshot_scans.js';
import { tree_entry } from './tree_entry.js';
import { blocks_max } from './tree_scan.js';

const scan = z.string().regex(/^[0-9a-f]{16}$/);
const base64 = z
  .string()
  .max(64 * 1024)
  .regex(/^[A-Za-z0-9+/]*={0,2}$/);
const count = z.int().min(0);

export const scan_params = {
  'verify.start': z.strictObject({ image: z.string(), number: z.string() }),
  'verify.poll': z.strictObject({ scan }),
  'verify.list': z.strictObject({ scan, path: base64, after: base64.nullable() }),
  'verify.marks': z.strictObject({ scan, path: base64 }),
  'verify.blocks': z.strictObject({
    scan,
    path: base64,
    offset_bytes: count,
    block_bytes: z
      .int()
      .min(4_096)
      .max(1024 * 1024),
    count: z.int().min(1).max(blocks_max),
  }),
  'verify.stop': z.strictObject({ scan }),
} as const;

export type ScanMethod = keyof typeof scan_params;
export type ScanParams<M extends ScanMethod> = z.infer<(typeof scan_params)[M]>;

export function isScanMethod(method: string): method is ScanMethod {
  return Object.hasOwn(scan_params, method);
}

const error_report = z
  .strictObject({
    code: z.string().refine(isErrorCode),
    message: z.string(),
    operation: z.string(),
    subject: z.string(),
    retryable: z.boolean(),
    hint: z.string(),
  })
  .transform((report) => report as ErrorReport);

const summary = z.strictObject({
  root: tree_entry,
  entries: count,
  bytes: count,
  unreadable: z.array(z.strictObject({ path: base64, message: z.string().max(4_096) })).max(100),
  unreadable_count: count,
  foreign_count: count,
});

const digest = z.string().regex(/^([0-9a-f]{64}|unreadable)$/);

/** A replica's answers are checked as any other input. */
export const scan_answers = {
  'verify.start': z.strictObject({ scan, identity: z.string().max(64) }),
  'verify.poll': z.strictObject({
    state: z.enum(['running', 'done', 'failed']),
    phase: z.enum(['listing', 'attributes', 'hashing']),
    entries: count,
    bytes: count,
    total_bytes: count.nullable(),
    summary: summary.nullable(),
    error: error_report.nullable(),
  }),
  'verify.list': z.strictObject({ entries: z.array(tree_entry), more: z.boolean() }),
  'verify.marks': z.array(digest),
  'verify.blocks': z.array(digest).max(blocks_max),
  'verify.stop': z.null(),
} as const;

export type ScanAnswer<M extends ScanMethod> = z.infer<(typeof scan_answers)[M]>;

/** Answers one such request; `params` are checked already. @throws IcbdError: what `SnapshotScans` throws */
export async function answerScanRequest(
  scans: SnapshotScans,
  request: { [M in ScanMethod]: { readonly method: M; readonly params: ScanParams<M> } }[ScanMethod],
): Promise<unknown> {
  switch (request.method) {
    case 'verify.start':
      return scans.start(request.params.image, request.params.number);
    case 'verify.poll':
      return scans.poll(request.params.scan);
    case 'verify.list': {
      const { scan, ...question } = request.params;
      return scans.ask(scan, { ...question, method: 'list' });
    }
    case 'verify.marks': {
      const { scan, ...question } = request.params;
      return scans.ask(scan, { ...question, method: 'marks' });
    }
    case 'verify.blocks': {
      const { scan, ...question } = request.params;
      return scans.ask(scan, { ...question, method: 'blocks' });
    }
    case 'verify.stop':
      await scans.stop(request.params.scan);
      return null;
  }
}
