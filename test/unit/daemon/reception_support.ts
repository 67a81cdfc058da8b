/** A reception's effects with snapshots in memory; in place of `btrfs receive` runs a shell that only reads. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Checkpoint } from '../../../src/core/checkpoint.js';
import type { DataSource, StreamPlace } from '../../../src/core/data_path.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { EffectRecord, PlainEvent } from '../../../src/core/records.js';
import { DataLinks } from '../../../src/daemon/data_links.js';
import type { PrepareOptions } from '../../../src/daemon/effects/prepare.js';
import {
  type ReceptionEffectsOptions,
  receptionEffects,
} from '../../../src/daemon/effects/reception_effects.js';
import { Admission, type AdmissionOptions } from '../../../src/daemon/reception_admission.js';
import { type Child, startChild } from '../../../src/pipeline/child.js';
import { FakeSnapshots } from '../../fakes/fake_snapshots.js';
import { clock, partsIn } from '../pipeline/receive_support.js';
import { sample_uuid } from '../stream/sample_stream.js';

export class ReceptionBench {
  readonly root = mkdtempSync(join(tmpdir(), 'icbdrep-reception-'));
  readonly store = new FakeSnapshots({ mountpoint: join(this.root, 'mnt') });
  readonly image = join(this.root, 'mnt', 'vm');
  readonly told: PlainEvent[] = [];
  /** What happens when an effect tells something; false: it is not wanted any more. */
  onTell: (event: PlainEvent) => boolean = () => true;
  openData: (from: StreamPlace) => Promise<DataSource> = () => Promise.reject(new Error('no link'));
  readonly opened: StreamPlace[] = [];
  /** For each that was opened, whether it was wanted through the tunnel. */
  readonly tunnelled: boolean[] = [];
  readonly wrappers: (readonly string[] | undefined)[] = [];
  controller = new AbortController();
  stall_timeout_ms = 60_000;
  checkpoint_bytes = 700_000;
  has_tunnel = false;
  images = new Set(['vm']);
  script = (file: string): string => `cat > '${file}'`;
  readonly #children: Child[] = [];
  #seq = 0;

  constructor() {
    mkdirSync(this.image, { recursive: true });
    this.store.makeDirectory(this.image);
  }

  get params() {
    return {
      transfer: '12-ab3f',
      attempt: 2,
      image: 'vm',
      number: '7',
      uuid: sample_uuid,
      parent: null as { number: string; uuid: string } | null,
      stream_version: 2,
      checkpoint: null as Checkpoint | null,
      from_zero: false,
      codec: 'none',
      ssh: false,
    };
  }

  async run(kind: string, params: object): Promise<PlainEvent> {
    this.#seq += 1;
    const actor = { kind: 'reception', id: '12-ab3f' } as const;
    const effect: EffectRecord = {
      id: `reception/12-ab3f:${this.#seq}:0`,
      actor,
      seq: this.#seq,
      kind,
      params,
      status: 'running',
      epoch: 1,
      started_at_ms: 0,
      ended_at_ms: null,
      error: null,
    };
    const handler = receptionEffects(this.#options())[kind];
    if (handler === undefined) throw new Error(`no effect ${kind}`);
    return handler(effect, {
      signal: this.controller.signal,
      tell: (event) => {
        const is_heard = !this.controller.signal.aborted && this.onTell(event);
        if (is_heard) this.told.push(event);
        return is_heard;
      },
    });
  }

  #options(): ReceptionEffectsOptions {
    const { store, image, stall_timeout_ms, checkpoint_bytes } = this;
    const repository: PrepareOptions['repository'] & AdmissionOptions['repository'] = {
      path: (name) => join(image, '..', name),
      has: (name) => this.images.has(name),
      snapshots: () => store.listSnapshots(image),
      add: ({ name }) => {
        this.images.add(name);
        return Promise.resolve({} as never);
      },
    };
    const admission = new Admission({
      node: 'replica',
      running: () => 0,
      store,
      repository,
      auto_add_images: true,
      receptions_max: 1,
      isStopping: () => false,
    });
    return {
      admission,
      data_links: new DataLinks(),
      store,
      repository,
      has_tunnel: this.has_tunnel,
      openData: (_, { from, is_tunnelled }) => {
        this.opened.push(from);
        this.tunnelled.push(is_tunnelled);
        return this.openData(from);
      },
      children: { start: (_, options) => this.#start(options.wrapper) },
      progress: { show: () => () => undefined },
      clock,
      stall_timeout_ms,
      checkpoint_bytes,
      checkpoint_ms: 600_000,
      confine: (directory) => ['confined', directory],
    };
  }

  /** What it has read when it ends well, the store holds. */
  #start(wrapper: readonly string[] | undefined): Child {
    this.wrappers.push(wrapper);
    const file = join(this.root, `got-${this.#children.length}`);
    const args = ['-c', this.script(file)];
    const child = startChild({ program: 'sh', args, stdin: 'pipe', stdout: 'none' });
    this.#children.push(child);
    // Before anybody else hears of its end.
    void child.finished.then(({ exit_code }) => {
      if (exit_code !== 0) return;
      for (const { name, uuid } of partsIn(readFileSync(file))) {
        this.store.receive(join(this.image, name), { identity: uuid, complete: true });
      }
    });
    return child;
  }

  async dispose(): Promise<void> {
    for (const child of this.#children) {
      child.stop(new IcbdError('Cancelled', 'test is over', { operation: 'test' }).toReport());
      await child.finished;
    }
    rmSync(this.root, { recursive: true, force: true });
  }
}
