/** What older snapshots of replicas lack. */
import type { MachineSnapshot } from '../core/records.js';

/**
 * Version 2 knows whether the node answers keep-alives, and since when its link is up.
 * An `online` of version 1 stays: the restart that comes with the migration makes it `offline` in any case.
 */
export function replicaFrom1({ value, context }: MachineSnapshot): MachineSnapshot {
  const { offline_reason, ...rest } = context as Readonly<Record<string, unknown>>;
  const linked_at_ms = value === 'online' ? rest['changed_at_ms'] : null;
  return { value, context: { ...rest, linked_at_ms, reason: offline_reason } };
}
