/** A clock that a test turns, and a name server of which a test says what it answers. */
import type { Clock } from '../../../../src/core/clock.js';
import { IcbdError } from '../../../../src/core/errors.js';
import type { NameRegistration, NameReport } from '../../../../src/core/name_report.js';
import type { NameService, NameStateChange } from '../../../../src/core/name_service.js';

export class HandClock implements Clock {
  #now_ms = 1_000_000;
  readonly #timers = new Set<{ readonly due_ms: number; readonly work: () => void }>();

  now(): number {
    return this.#now_ms;
  }

  after(delay_ms: number, work: () => void): () => void {
    const timer = { due_ms: this.#now_ms + delay_ms, work };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  /** Runs what is due until then, and what that leads to. */
  async pass(delay_ms: number): Promise<void> {
    const end_ms = this.#now_ms + delay_ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(({ due_ms }) => due_ms <= end_ms);
      const next = due.toSorted((a, b) => a.due_ms - b.due_ms)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now_ms = next.due_ms;
      next.work();
      await settle();
    }
    this.#now_ms = end_ms;
  }
}

/** Lets all promises go as far as they get. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Holds registrations and forgets what it is told to; `failure` is what it answers instead. */
export class ScriptedNames {
  readonly held = new Map<string, NameRegistration>();
  readonly calls: string[] = [];
  readonly told: NameStateChange[] = [];
  failure: IcbdError | undefined;

  /** The part of a name server that a keeper uses. */
  get service(): NameService {
    const answer = async <T>(call: string, make: () => T): Promise<T> => {
      this.calls.push(call);
      await Promise.resolve();
      if (this.failure !== undefined) throw this.failure;
      return make();
    };
    const used: Pick<NameService, 'register' | 'renew' | 'report'> = {
      register: (registration) =>
        answer(`register ${registration.name}`, () => {
          this.held.set(registration.name, registration);
          return { ...registration } as NameReport;
        }),
      renew: () => answer('renew', () => ({ renewed: [...this.held.keys()] })),
      report: (change) => answer(`report ${change.name} ${change.state}`, () => void this.told.push(change)),
    };
    return used as NameService;
  }
}

/** A log that keeps its lines. */
export class Lines {
  readonly lines: string[] = [];
  readonly debug = (_fields: object, message: string): void => void this.lines.push(`debug ${message}`);
  readonly info = (_fields: object, message: string): void => void this.lines.push(`info ${message}`);
  readonly warn = (_fields: object, message: string): void => void this.lines.push(`warn ${message}`);
}

export function linkLost(): IcbdError {
  return new IcbdError('LinkLost', 'the connection broke', { operation: 'names.renew' });
}
