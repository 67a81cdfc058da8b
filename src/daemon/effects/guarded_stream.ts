import { IcbdError } from '../../core/errors.js';
import { HeadRewriter } from '../../stream/head_rewriter.js';
import { TailHolder } from '../../stream/tail_holder.js';

/**
 * What stands between the link and `btrfs receive`: gives the subvolume its hidden name, refuses a stream of
 * another snapshot, and holds END back until the hashes of both sides agree. Without END, `btrfs receive`
 * never sets the received_uuid, so nothing unproven can be taken for a snapshot.
 */
export class GuardedStream {
  readonly #uuid: string;
  readonly #head: HeadRewriter;
  readonly #tail = new TailHolder();
  #is_checked = false;

  /**
   * @param expected name that the subvolume gets; uuid that the stream must carry
   */
  constructor(expected: { readonly name: string; readonly uuid: string }) {
    this.#uuid = expected.uuid;
    this.#head = new HeadRewriter(expected.name);
  }

  /** @throws IcbdError `CorruptData` when it is no send stream, or one of another snapshot */
  push(chunk: Buffer): Buffer[] {
    const rewritten = this.#head.push(chunk);
    this.#check();
    return rewritten.flatMap((part) => this.#tail.push(part));
  }

  /** The held END command. @throws IcbdError `CorruptData` when the stream does not end with one */
  finish(): Buffer[] {
    this.#head.finish();
    return [this.#tail.finish()];
  }

  #check(): void {
    const first = this.#head.head;
    if (this.#is_checked || first === undefined) return;
    this.#is_checked = true;
    if (first.uuid === this.#uuid) return;
    throw new IcbdError('CorruptData', `the stream carries the snapshot ${first.uuid}, not ${this.#uuid}`, {
      operation: 'receive',
      subject: first.path,
      retryable: false,
    });
  }
}
