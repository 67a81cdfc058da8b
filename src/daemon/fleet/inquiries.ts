import { z } from 'zod';
import { spreadOf } from '../../core/backoff.js';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { type SnapshotInfo, identityOf } from '../../core/lineage.js';
import type { ControlLink } from '../../core/link.js';
import { lineageSchema } from '../effects/plan.js';
import { KeyedQueue } from './keyed_queue.js';

/** Replicas that are asked at the same time; each answer costs the replica a look at its filesystem. */
const replicas_at_once = 4;
/** A replica whose link stays up is asked anew this often, ms. */
const again_after_ms = 600_000;

const imagesSchema = z.array(z.object({ name: z.string() }));

export interface InquiriesOptions {
  readonly clock: Clock;
  /** Names of the master's images. */
  readonly images: () => readonly string[];
  readonly onAnswer: (replica: string, image: string, identities: readonly string[]) => void;
}

/** Asks replicas what they hold: when their links come up, when something changed there, and now and then. */
export class Inquiries {
  readonly #options: InquiriesOptions;
  readonly #links = new Map<string, ControlLink>();
  /** What each replica is still to be asked about; `all`: everything. */
  readonly #wanted = new Map<string, Set<string> | 'all'>();
  readonly #alarms = new Map<string, () => void>();
  readonly #queue = new KeyedQueue(replicas_at_once, (replica) => this.#askAll(replica));

  constructor(options: InquiriesOptions) {
    this.#options = options;
  }

  linkUp(link: ControlLink): void {
    const { node } = link.peer;
    this.#links.set(node, link);
    this.want(node);
    // Those that came together part again.
    this.#wake(node, again_after_ms * (0.5 + spreadOf(node) / 2));
  }

  linkDown(link: ControlLink): void {
    const { node } = link.peer;
    if (this.#links.get(node) !== link) return;
    this.#links.delete(node);
    this.#wanted.delete(node);
    this.#queue.remove(node);
    this.#alarms.get(node)?.();
    this.#alarms.delete(node);
  }

  /** @param image undefined: all of them */
  want(replica: string, image?: string): void {
    if (!this.#links.has(replica)) return;
    const wanted = this.#wanted.get(replica);
    if (image === undefined) this.#wanted.set(replica, 'all');
    else if (wanted === undefined) this.#wanted.set(replica, new Set([image]));
    else if (wanted !== 'all') wanted.add(image);
    this.#queue.add(replica);
  }

  /** Asks all replicas that have a link about an image. */
  wantOfAll(image: string): void {
    for (const replica of this.#links.keys()) this.want(replica, image);
  }

  /** Whether an answer that is on its way may be older than what is known. */
  isAsking(replica: string): boolean {
    return this.#queue.isRunning(replica);
  }

  async close(): Promise<void> {
    for (const cancel of this.#alarms.values()) cancel();
    this.#alarms.clear();
    this.#links.clear();
    await this.#queue.close();
  }

  #wake(replica: string, delay_ms: number): void {
    this.#alarms.get(replica)?.();
    const cancel = this.#options.clock.after(delay_ms, () => {
      this.want(replica);
      this.#wake(replica, again_after_ms);
    });
    this.#alarms.set(replica, cancel);
  }

  /** Never rejects: a replica that does not say is asked again later, and what was known of it stays. */
  async #askAll(replica: string): Promise<void> {
    const link = this.#links.get(replica);
    const wanted = this.#wanted.get(replica);
    this.#wanted.delete(replica);
    if (link === undefined || wanted === undefined) return;
    try {
      const ours = this.#options.images();
      const theirs = wanted === 'all' ? await imagesOf(link) : undefined;
      for (const image of wanted === 'all' ? ours : wanted) {
        const is_there = theirs?.has(image) ?? true;
        const held = is_there ? await heldBy(link, image) : [];
        if (this.#links.get(replica) !== link) return;
        this.#options.onAnswer(replica, image, held.map(identityOf));
      }
    } catch {
      // Its link is gone, or it is too busy to say.
    }
  }
}

async function imagesOf(link: ControlLink): Promise<Set<string>> {
  const answer = await link.request({ method: 'image.list', params: {} }, { timeout_ms: limits.request_ms });
  return new Set(imagesSchema.parse(answer).map(({ name }) => name));
}

async function heldBy(link: ControlLink, image: string): Promise<SnapshotInfo[]> {
  try {
    const request = { method: 'lineage', params: { image } };
    return lineageSchema.parse(await link.request(request, { timeout_ms: limits.request_ms }));
  } catch (error) {
    if (error instanceof IcbdError && error.code === 'ImageNotFound') return [];
    throw error;
  }
}
