/** What older snapshots of machines lack. */
import { hidden_prefix } from '../core/names.js';
import type { MachineSnapshot } from '../core/records.js';

type Fields = Readonly<Record<string, unknown>>;

const withContext = (snapshot: MachineSnapshot, context: Fields): MachineSnapshot => ({
  ...snapshot,
  context,
});

/** Version 2 can resume. What ran before starts over as it did. */
export function transferFrom1(snapshot: MachineSnapshot): MachineSnapshot {
  const context = snapshot.context as Fields;
  const added = { rests: 0, online: false, from_zero: false, resumed_bytes: 0, link_losses: 0 };
  return withContext(snapshot, { ...added, ...context });
}

/** Version 2 has checkpoints, and names the subvolume that it publishes. */
export function receptionFrom1(snapshot: MachineSnapshot): MachineSnapshot {
  const { received_attempt, next_offer, ...context } = snapshot.context as Fields;
  const offer = next_offer as Fields | null;
  return withContext(snapshot, {
    stream_version: 1,
    from_zero: true,
    checkpoint: null,
    start_reason: '',
    begun_bytes: 0,
    linked: false,
    losses: 0,
    hidden_name: `${hidden_prefix}${String(context['id'])}.${String(received_attempt)}`,
    hold_asked: false,
    failure_told: false,
    ...context,
    next_offer: offer === null ? null : { stream_version: 1, from_zero: true, ...offer },
  });
}

/** Version 3 knows whether the stream goes through the ssh tunnel of the replica. */
export function transferFrom2(snapshot: MachineSnapshot): MachineSnapshot {
  return withContext(snapshot, { ssh: false, ...(snapshot.context as Fields) });
}

/** The same on the other side. */
export function receptionFrom2(snapshot: MachineSnapshot): MachineSnapshot {
  const context = snapshot.context as Fields;
  const offer = context['next_offer'] as Fields | null;
  const next_offer = offer === null ? null : { ssh: false, ...offer };
  return withContext(snapshot, { ssh: false, ...context, next_offer });
}

/** Version 4 can be paused, scheduled, and forked from another. */
export function transferFrom3(snapshot: MachineSnapshot): MachineSnapshot {
  const added = { parent: 'auto', stream_version: null, forked_from: null, delay_ms: 0 };
  return withContext(snapshot, { ...added, ...(snapshot.context as Fields) });
}
