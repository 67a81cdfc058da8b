/** What was loaded of a history, with what came since. */
import type { EffectRecord, EventRecord } from '../../core/records.js';

export interface Recorded {
  /** Oldest first, each once. */
  readonly events: readonly EventRecord[];
  readonly effects: readonly EffectRecord[];
}

/** Work that began with an event that was just told: how it ends is asked for later. */
function begunBy({ kind, id, seq, at_ms, epoch, intents }: EventRecord): EffectRecord[] {
  return intents.flatMap((intent) =>
    intent.type === 'effect'
      ? [
          {
            id: intent.effect,
            actor: { kind, id },
            seq,
            kind: intent.kind,
            epoch,
            params: null,
            status: 'running' as const,
            started_at_ms: at_ms,
            ended_at_ms: null,
            error: null,
          },
        ]
      : [],
  );
}

/** @param event as the live stream told it; nothing changes if it is known */
export function withEvent(recorded: Recorded, event: EventRecord): Recorded {
  const last_seq = recorded.events.at(-1)?.seq ?? 0;
  if (event.seq <= last_seq) return recorded;
  const known = new Set(recorded.effects.map(({ id }) => id));
  const begun = begunBy(event).filter(({ id }) => !known.has(id));
  return { events: [...recorded.events, event], effects: [...recorded.effects, ...begun] };
}

/** Both together; of an effect that both have, what `newer` says of it. */
export function merged(older: Recorded, newer: Recorded): Recorded {
  const events = new Map([...older.events, ...newer.events].map((event) => [event.seq, event]));
  const effects = new Map([...older.effects, ...newer.effects].map((effect) => [effect.id, effect]));
  return {
    events: [...events.values()].toSorted((one, other) => one.seq - other.seq),
    effects: [...effects.values()].toSorted((one, other) => one.seq - other.seq),
  };
}

/** Events of which something may have ended since they were loaded stand behind this one. */
export function firstOpenSeq({ events, effects }: Recorded): number {
  const open = effects.filter(({ status }) => status === 'running').map(({ seq }) => seq);
  return Math.min(...open, events.at(-1)?.seq ?? 1) - 1;
}

/** Whether an event may be the end of some work. */
export function endsWork({ cause, intents, event }: EventRecord): boolean {
  return cause.kind === 'effect' || event.type === 'restarted' || intents.some(({ type }) => type === 'stop');
}
