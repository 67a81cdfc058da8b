/** A btrfs whose backing file lies on another btrfs, so that it can be copied as it is at one moment. */
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { type LoopFs, makeLoopFs } from './loopfs.js';

const released_ms_max = 60_000;

export class CuttableFs {
  readonly mountpoint: string;
  readonly #outer: LoopFs;
  readonly #file: string;

  private constructor(outer: LoopFs) {
    this.#outer = outer;
    this.#file = join(outer.mountpoint, 'inner.img');
    this.mountpoint = join(outer.mountpoint, 'inner');
  }

  /** @param size_mb of the filesystem; the one around it is larger, since copies differ */
  static async make(size_mb: number): Promise<CuttableFs> {
    const made = new CuttableFs(await makeLoopFs({ size_mb: size_mb * 3 + 200 }));
    try {
      await execa('truncate', ['-s', `${size_mb}M`, made.#file]);
      await execa('mkfs.btrfs', ['--quiet', made.#file]);
      await mkdir(made.mountpoint);
      await made.#mount();
      return made;
    } catch (error) {
      await made.dispose();
      throw error;
    }
  }

  /** What would be left if the power went now. */
  async copyNow(): Promise<void> {
    await execa('cp', ['--reflink=always', this.#file, `${this.#file}.cut`]);
  }

  /** Goes on with the copy; nobody may use what is mounted. */
  async mountCopy(): Promise<void> {
    await this.#unmount();
    await rename(`${this.#file}.cut`, this.#file);
    await this.#mount();
  }

  async dispose(): Promise<void> {
    await this.#unmount();
    await this.#outer.dispose();
  }

  async #mount(): Promise<void> {
    await execa('mount', ['-t', 'btrfs', '-o', 'loop', this.#file, this.mountpoint]);
  }

  /** A process that has just ended may still hold it for a moment. */
  async #unmount(): Promise<void> {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      if ((await execa('umount', [this.mountpoint], { reject: false })).exitCode === 0) break;
      const { exitCode } = await execa('mountpoint', ['-q', this.mountpoint], { reject: false });
      if (exitCode !== 0) break;
      await sleep(100);
    }
    await this.#untilReleased();
  }

  /**
   * Each confined `btrfs receive`, of other tests as well, sees all mounts of its start until it ends, and the kernel
   * does not mount a copy of a filesystem that is still mounted anywhere.
   */
  async #untilReleased(): Promise<void> {
    for (let waited_ms = 0; waited_ms < released_ms_max; waited_ms += 50) {
      if ((await execa('losetup', ['--associated', this.#file])).stdout === '') return;
      await sleep(50);
    }
    throw new Error(`${this.#file} is still mounted somewhere after ${released_ms_max} ms`);
  }
}
