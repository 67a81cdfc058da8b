/** What older snapshots of the image machine lack. */
import type { MachineSnapshot } from '../core/records.js';

/** Version 2 knows which snapshots the last scan found, and not only how many. The next scan fills it in. */
export function imageFrom1(snapshot: MachineSnapshot): MachineSnapshot {
  const context = snapshot.context as { readonly scan: object | null };
  const scan = context.scan === null ? null : { fingerprint: '', ...context.scan };
  return { ...snapshot, context: { ...context, scan } };
}
