import type { AnyStateMachine } from 'xstate';
import type { GuardResult } from '../core/records.js';

type Guard = (scope: unknown, params: unknown) => boolean;

/** A machine that tells which of its guards were asked, and what they said. It decides as the machine itself does. */
export class TracedMachine {
  static readonly #known = new WeakMap<AnyStateMachine, TracedMachine>();
  readonly machine: AnyStateMachine;
  #asked: GuardResult[] = [];

  private constructor(machine: AnyStateMachine) {
    const guards = machine.implementations.guards as unknown as Record<string, Guard>;
    const traced = Object.entries(guards).map(([guard, ask]) => [
      guard,
      (scope: unknown, params: unknown): boolean => {
        const passed = ask(scope, params);
        this.#note({ guard, passed });
        return passed;
      },
    ]);
    this.machine = machine.provide({ guards: Object.fromEntries(traced) });
  }

  /** The one of `machine`, made when it is asked for first. */
  static of(machine: AnyStateMachine): TracedMachine {
    const known = this.#known.get(machine);
    if (known !== undefined) return known;
    const made = new TracedMachine(machine);
    this.#known.set(machine, made);
    return made;
  }

  /** Does `work`, and returns what it returned and the guards that were asked meanwhile, each answer once. */
  trace<T>(work: () => T): { readonly result: T; readonly guards: readonly GuardResult[] } {
    this.#asked = [];
    const result = work();
    return { result, guards: this.#asked };
  }

  #note({ guard, passed }: GuardResult): void {
    const is_known = this.#asked.some((other) => other.guard === guard && other.passed === passed);
    if (!is_known) this.#asked.push({ guard, passed });
  }
}
