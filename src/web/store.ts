/** The newest that is known of each transfer that moves, for whatever shows it. */
import { type Signal, signal } from '@preact/signals';
import type { ProgressReport, TransferReport } from '../core/report.js';
import { onLive } from './live.js';

const progress_by_id = new Map<string, Signal<ProgressReport | null>>();

/** How far a transfer is, as the stream tells it once a second; null while nothing was told. */
export function progressOf(id: string): Signal<ProgressReport | null> {
  const known = progress_by_id.get(id);
  if (known !== undefined) return known;
  const made = signal<ProgressReport | null>(null);
  progress_by_id.set(id, made);
  return made;
}

function learn(id: string, { progress, settled }: TransferReport): void {
  const known = progress_by_id.get(id);
  if (known === undefined) return;
  known.value = progress;
  if (settled) progress_by_id.delete(id);
}

/** Keeps what the stream tells. @returns what stops it */
export function startStore(): () => void {
  const stops = [
    onLive('progress', (moved) => {
      for (const { id, progress } of moved) progressOf(id).value = progress;
    }),
    onLive('transfers', (changed) => {
      for (const transfer of changed) learn(transfer.id, transfer);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
