import type { DataSession, DataSource } from '../core/data_path.js';
import { IcbdError } from '../core/errors.js';
import type { EffectHandler } from '../runtime/ports.js';

type OpenData<Options> = (session: DataSession, options: Options) => Promise<DataSource>;

function stopping(subject: string): IcbdError {
  return new IcbdError('LinkLost', 'this node stops', { operation: 'receive', subject });
}

/** The receptions that run, and their data links: so that an orderly stop loses nothing that came. */
export class DataLinks {
  readonly #open = new Map<string, DataSource>();
  #running = 0;
  #is_let_go = false;
  #onIdle: (() => void)[] = [];

  /** Receptions that take a stream now. */
  get running(): number {
    return this.#running;
  }

  /** An `openData` whose links are known here. */
  opening<Options>(openData: OpenData<Options>): OpenData<Options> {
    return async (session, options) => {
      if (this.#is_let_go) throw stopping(session.transfer);
      const source = await openData(session, options);
      if (this.#is_let_go) source.abort(stopping(session.transfer).toReport());
      this.#open.set(session.transfer, source);
      return source;
    };
  }

  /** The `receive` effect, counted while it runs. */
  during(receive: EffectHandler): EffectHandler {
    return async (effect, tools) => {
      this.#running += 1;
      try {
        return await receive(effect, tools);
      } finally {
        this.#open.delete(effect.actor.id);
        this.#running -= 1;
        if (this.#running === 0) for (const wake of this.#onIdle.splice(0)) wake();
      }
    };
  }

  /**
   * Lets go of every data link as if it were lost, and waits until what came is kept in checkpoints.
   * No link is opened any more.
   */
  async letGo(): Promise<void> {
    this.#is_let_go = true;
    for (const [transfer, source] of this.#open) source.abort(stopping(transfer).toReport());
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }
}
