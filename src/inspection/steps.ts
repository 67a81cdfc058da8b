/** Does what an actor did once more, without doing anything: what it knew after each event, and whether it adds up. */
import type { MachineDefinition } from '../actors/machines.js';
import type { Departure, InspectedStep, StepsReport } from '../core/machine_report.js';
import type { ActorRecord, EventRecord, MachineSnapshot } from '../core/records.js';
import { digestOf } from '../runtime/digest.js';
import {
  carriedSnapshot,
  carriesSnapshot,
  compacted_event,
  created_event,
  foldStep,
  isRuntimeEvent,
  isStart,
} from '../runtime/fold.js';
import { stateName } from '../runtime/step.js';
import { changesBetween } from './changes.js';

/**
 * Takes the events of one actor, one after the other, so that a long history need not be held or read at once.
 * @param limit how many of the newest steps are kept
 */
export class StepsInspection {
  readonly #definition: MachineDefinition;
  readonly #limit: number;
  readonly #steps: InspectedStep[] = [];
  #omitted = 0;
  #last: EventRecord | undefined;
  /** Undefined while it is not known. */
  #snapshot: MachineSnapshot | undefined;
  #departure: Departure | null = null;
  #strange_version: number | null = null;
  /** Whether it does not begin with a snapshot. */
  #is_cut = false;
  /** The first event, if it is no beginning: that is well if a later one carries a snapshot. */
  #missing_beginning: Departure | null = null;

  constructor(definition: MachineDefinition, limit = Number.POSITIVE_INFINITY) {
    this.#definition = definition;
    this.#limit = limit;
  }

  /** The next event, oldest first. */
  take(record: EventRecord): void {
    this.#checkOrder(record);
    const before = this.#snapshot;
    const after = this.#fold(record);
    if (after !== undefined) this.#check(record, after);
    const changes =
      after === undefined || (before === undefined && record.seq !== 1)
        ? []
        : changesBetween(before?.context, after.context);
    const context = after?.context ?? null;
    this.#snapshot = after;
    this.#last = record;
    const { kind: _kind, id: _id, event_id: _event_id, digest: _digest, ...step } = record;
    this.#steps.push({ ...step, context, changes });
    if (this.#steps.length >= 2 * this.#limit + 1) this.#dropOld();
  }

  /** What there is to say when `actor`, as its row is now, has no more events. */
  finish(actor: ActorRecord): StepsReport {
    this.#checkEnd(actor);
    const last = this.#steps.at(-1);
    // Whatever machine made it: it is what the actor knows.
    if (last !== undefined && this.#snapshot === undefined) {
      this.#steps.splice(-1, 1, { ...last, context: actor.snapshot.context });
    }
    this.#dropOld();
    return {
      kind: actor.kind,
      id: actor.id,
      omitted: this.#omitted,
      steps: this.#steps,
      departure: this.#missing_beginning ?? this.#departure,
      not_folded: this.#whyNotFolded(),
    };
  }

  #fold(record: EventRecord): MachineSnapshot | undefined {
    const carried = carriedSnapshot(record);
    if (carried !== undefined) return carried;
    const does_nothing = !record.handled || isRuntimeEvent(record);
    if (does_nothing && record.event.type !== created_event) return this.#snapshot;
    if (record.machine_version !== this.#definition.version) {
      this.#strange_version ??= record.machine_version;
      return undefined;
    }
    // Nothing that goes on from an unknown snapshot can be known.
    if (this.#snapshot === undefined && record.event.type !== created_event) return undefined;
    try {
      return foldStep(this.#definition, this.#snapshot, record);
    } catch (error) {
      this.#depart(record.seq, `the machine takes no such event here: ${(error as Error).message}`);
      return undefined;
    }
  }

  #checkOrder(record: EventRecord): void {
    const { seq, state, state_before, handled, event } = record;
    if (carriesSnapshot(record)) this.#missing_beginning = null;
    const last = this.#last;
    if (last === undefined) {
      this.#is_cut = !isStart(record);
      if (this.#is_cut) this.#missing_beginning = { seq, reason: 'what made its actor is missing' };
    } else if (seq <= last.seq) {
      this.#depart(seq, `it stands behind event ${last.seq}`);
    } else if (seq !== last.seq + 1 && event.type !== compacted_event) {
      this.#depart(seq, `event ${last.seq + 1} is missing`);
    } else if (last.state !== state_before && event.type !== compacted_event) {
      this.#depart(seq, `it begins in ${state_before}, and the event before it ended in ${last.state}`);
    } else if (!handled && state !== state_before && !carriesSnapshot(last)) {
      this.#depart(seq, `it was ignored, and ${state} was written down as the state after it`);
    }
  }

  #check(record: EventRecord, after: MachineSnapshot): void {
    const { seq, state, digest, handled } = record;
    const folded = stateName(after.value);
    // A new machine may have another name for the state that the old one wrote down, until it does a step itself.
    if (handled && folded !== state && !isRuntimeEvent(record)) {
      this.#depart(seq, `it leads to ${folded}, and ${state} was written down`);
    } else if (digest !== '' && digest !== digestOf(after)) {
      this.#depart(seq, 'what the actor knows after it is not what was written down');
    }
  }

  #checkEnd({ seq, snapshot }: ActorRecord): void {
    const last = this.#last;
    if (last === undefined) {
      this.#depart(0, 'there is no event');
    } else if (last.seq !== seq) {
      const what = last.seq < seq ? `the events behind it, up to ${seq}, are missing` : `it ended at ${seq}`;
      this.#depart(last.seq, what);
    } else if (this.#digestAtEnd(last) !== '' && this.#digestAtEnd(last) !== digestOf(snapshot)) {
      this.#depart(seq, 'the history does not give the snapshot that the actor ended with');
    }
  }

  #digestAtEnd(last: EventRecord): string {
    return this.#snapshot === undefined ? last.digest : digestOf(this.#snapshot);
  }

  #depart(seq: number, reason: string): void {
    this.#departure ??= { seq, reason };
  }

  #dropOld(): void {
    const old = this.#steps.splice(0, Math.max(0, this.#steps.length - this.#limit));
    this.#omitted += old.length;
  }

  #whyNotFolded(): string {
    const { version } = this.#definition;
    if (this.#strange_version !== null) {
      return `machine version ${this.#strange_version} did some of them; this program has version ${version}`;
    }
    return this.#is_cut ? 'what came before the first of them is gone' : '';
  }
}

/** The same at once. */
export function inspectSteps(
  definition: MachineDefinition,
  actor: ActorRecord,
  events: readonly EventRecord[],
  limit?: number,
): StepsReport {
  const inspection = new StepsInspection(definition, limit);
  for (const record of events) inspection.take(record);
  return inspection.finish(actor);
}
