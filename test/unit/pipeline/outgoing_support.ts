import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Clock } from '../../../src/core/clock.js';
import type { Codec } from '../../../src/core/codecs.js';
import { type StreamPlace, proof_grid_bytes } from '../../../src/core/data_path.js';
import { IcbdError } from '../../../src/core/errors.js';
import { limits } from '../../../src/core/limits.js';
import { type Child, isSameProcess, startChild } from '../../../src/pipeline/child.js';
import { decode } from '../../../src/pipeline/codec.js';
import { ProofHash } from '../../../src/pipeline/proof_hash.js';
import type { MemoryLink } from './memory_link.js';

export const clock: Clock = {
  now: () => performance.now(),
  after: (delay_ms, work) => {
    const timer = setTimeout(work, delay_ms);
    return () => clearTimeout(timer);
  },
};

export const lost = new IcbdError('LinkLost', 'cable cut', { operation: 'test' });

/** The places of a stream by their offset. */
export function placesOf(stream: Buffer): Map<number, StreamPlace> {
  const places = new Map<number, StreamPlace>();
  const hash = new ProofHash();
  places.set(0, hash.aligned);
  hash.update(stream, (place) => places.set(place.offset_bytes, place));
  return places;
}

export function placeAt(stream: Buffer, offset_bytes: number): StreamPlace {
  const place = placesOf(stream).get(offset_bytes);
  if (place === undefined) throw new Error(`no place at ${offset_bytes}`);
  return place;
}

export const gridBefore = (offset_bytes: number): number => offset_bytes - (offset_bytes % proof_grid_bytes);

/** Children of a test, which must have ended by themselves before it is over. */
export class TestChildren {
  readonly #started: Child[] = [];

  shell(script: string): Child {
    const child = startChild({ program: 'sh', args: ['-c', script], stdin: 'none', stdout: 'pipe' });
    this.#started.push(child);
    return child;
  }

  async check(): Promise<void> {
    const running = (): Child[] =>
      this.#started.filter((child) => isSameProcess(child.pid ?? 0, child.start_time));
    // One that was killed takes a moment to be gone.
    for (let waited_ms = 0; running().length > 0 && waited_ms < 1_000; waited_ms += 20) await sleep(20);
    const left = running();
    for (const child of this.#started.splice(0)) {
      child.stop(new IcbdError('Cancelled', 'test is over', { operation: 'test' }).toReport());
      await child.finished;
    }
    if (left.length > 0)
      throw new Error(`left running: ${left.map((child) => child.args.join(' ')).join('; ')}`);
  }
}

/** Takes what a link brings; `onBytes` is told how much there is after each block. */
export async function takeAll(
  link: MemoryLink,
  codec: Codec,
  onBytes: (bytes: number) => void | Promise<void> = () => undefined,
): Promise<{ readonly data: Buffer; readonly failure: unknown }> {
  const blocks: Buffer[] = [];
  let bytes = 0;
  let failure: unknown;
  try {
    for await (const block of decode(codec, link.source.blocks, limits)) {
      blocks.push(Buffer.from(block));
      bytes += block.length;
      await onBytes(bytes);
    }
  } catch (thrown) {
    failure = thrown;
  }
  return { data: Buffer.concat(blocks), failure };
}

export const failureOf = (work: Promise<unknown>): Promise<IcbdError> =>
  work.then(
    () => {
      throw new Error('it did not fail');
    },
    (thrown: unknown) => {
      expect(thrown).toBeInstanceOf(IcbdError);
      return thrown as IcbdError;
    },
  );
