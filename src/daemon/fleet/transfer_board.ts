import type { ActorRecord, EventRecord } from '../../core/records.js';
import type { CopyRows, CopyTransferRow } from '../../storage/copy_rows.js';
import { type CopyTransfers, type ShownTransfer, no_transfers } from './copies.js';

/** States in which a transfer waits for an operator's word. */
const halted_states = new Set(['paused']);
/** Changes that are looked up together, at most. */
const unread_max = 500;

export interface TransferBoardOptions {
  readonly rows: Pick<CopyRows, 'transfers' | 'transfer'>;
  /** A snapshot is on the replica. @param identity empty: it was there before, and the replica has to be asked */
  readonly onCompleted: (replica: string, image: string, identity: string) => void;
}

interface Entry {
  readonly open: Map<string, ShownTransfer>;
  readonly newest: Map<string, ShownTransfer>;
}

const keyOf = (replica: string, image: string): string => `${replica}/${image}`;

function phaseOf({ status, state, settled }: CopyTransferRow): ShownTransfer['phase'] {
  if (status === 'parked' || state === 'failed') return 'failed';
  if (settled === 1) return 'over';
  return halted_states.has(state) ? 'halted' : 'moving';
}

/**
 * Which transfers go to which replica, and how the last of each snapshot stands. Read from the database once, when
 * somebody asks for the first time; from then on, only those that changed are read again.
 */
export class TransferBoard {
  readonly #options: TransferBoardOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #unread = new Set<string>();
  #is_loaded = false;

  constructor(options: TransferBoardOptions) {
    this.#options = options;
  }

  /** After every commit. */
  note(events: readonly EventRecord[], parked: readonly ActorRecord[]): void {
    // What is not read yet will be read as it is then.
    if (!this.#is_loaded) return;
    for (const { kind, id, state, state_before, intents } of events) {
      // The identity comes with the plan, whose effects are the next that are asked for.
      if (kind === 'transfer' && (state !== state_before || intents.length > 0)) this.#unread.add(id);
    }
    for (const { kind, id } of parked) if (kind === 'transfer') this.#unread.add(id);
    if (this.#unread.size > unread_max) this.read();
  }

  of(replica: string, image: string): CopyTransfers {
    const entry = this.#entries.get(keyOf(replica, image));
    if (entry === undefined) return no_transfers;
    return { open: [...entry.open.values()], newest: entry.newest };
  }

  /** Brings the board up to date. */
  read(): void {
    const { rows } = this.#options;
    if (!this.#is_loaded) {
      this.#is_loaded = true;
      for (const row of rows.transfers()) this.#apply(row, false);
      return;
    }
    const unread = [...this.#unread];
    this.#unread.clear();
    for (const id of unread) {
      const row = rows.transfer(id);
      if (row !== undefined) this.#apply(row, true);
    }
  }

  #apply(row: CopyTransferRow, is_news: boolean): void {
    const { id, image, replica, number, created_at_ms } = row;
    const shown = { id, number, created_at_ms, identity: row.identity ?? '', phase: phaseOf(row) };
    const key = keyOf(replica, image);
    const entry: Entry = this.#entries.get(key) ?? { open: new Map(), newest: new Map() };
    this.#entries.set(key, entry);
    if (row.settled === 1) entry.open.delete(id);
    else entry.open.set(id, shown);
    const newest = entry.newest.get(number);
    const is_newest = newest === undefined || newest.id === id || newest.created_at_ms <= created_at_ms;
    if (is_newest) entry.newest.set(number, shown);
    if (row.state !== 'completed') return;
    if (is_news || shown.identity !== '') this.#options.onCompleted(replica, image, shown.identity);
  }
}
