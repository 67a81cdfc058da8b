import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Checkpoint } from '../../../src/core/checkpoint.js';
import { stream_start } from '../../../src/core/data_path.js';
import { IcbdError } from '../../../src/core/errors.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import { link_lost, type Step, StepSource, trailerOf } from '../pipeline/receive_support.js';
import * as sample from '../stream/sample_stream.js';
import { ReceptionBench } from './reception_support.js';

const { sample_uuid, sample_clone_uuid } = sample;
const part_prefix = '.icbdrep-part-12-ab3f.';

const stream = Buffer.concat([
  writeStreamHeader(2),
  sample.subvolCommand('7', 2),
  ...Array.from({ length: 30 }, (_, index) => sample.writeDataCommand('f', Buffer.alloc(90_000, index), 2)),
  sample.end_command,
]);

let bench: ReceptionBench;
beforeEach(() => {
  bench = new ReceptionBench();
});
afterEach(async () => {
  await bench.dispose();
});

/** The link brings the stream from where it is wanted, and then these, or the trailer. */
function linkOf(...then: Step[]): void {
  bench.openData = ({ offset_bytes }) =>
    Promise.resolve(
      then.length === 0
        ? new StepSource([stream.subarray(offset_bytes)], trailerOf(stream))
        : new StepSource([stream.subarray(offset_bytes, stream.length - 400_000), ...then]),
    );
}

const hang = (): Promise<void> => new Promise(() => undefined);
const prepare = (params: object): Promise<unknown> => bench.run('prepare', { ...bench.params, ...params });
const stand = (name: string, identity: string, complete = true): void => {
  bench.store.receive(join(bench.image, name), { identity, complete });
};
const lastCheckpoint = (): Checkpoint =>
  bench.told.findLast(({ type }) => type === 'receive.checkpoint')?.['checkpoint'] as Checkpoint;
const typesTold = (): string[] => bench.told.map(({ type }) => type);
const hidden = (): Promise<string[]> => bench.store.listHidden(bench.image);
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((thrown: unknown) => (thrown instanceof IcbdError ? thrown.code : thrown));

const tunnelFailed = (retryable: boolean): IcbdError =>
  new IcbdError('TunnelFailed', 'no way through', { operation: 'ssh tunnel', retryable });

describe('receive', () => {
  test('leaves one complete hidden subvolume, with every checkpoint told after a sync of its part', async () => {
    linkOf();
    const syncs_at_tell: number[] = [];
    bench.onTell = ({ type }) => {
      if (type === 'receive.checkpoint') syncs_at_tell.push(bench.store.syncs);
      return true;
    };
    const done = await bench.run('receive', bench.params);
    const hidden_name = `${part_prefix}1.0.4`;
    expect(done).toEqual({ type: 'receive.done', result: { ...trailerOf(stream), hidden_name } });
    expect(typesTold()).toEqual(['receive.begun', ...Array.from({ length: 3 }, () => 'receive.checkpoint')]);
    expect(bench.told[0]).toEqual({ type: 'receive.begun', offset_bytes: 0 });
    expect(syncs_at_tell).toEqual([1, 2, 3]);
    // What is done is on disk before it is said.
    expect(bench.store.syncs).toBe(4);
    expect((await bench.store.inspect(join(bench.image, hidden_name))).received_uuid).toBe(sample_uuid);
    expect(await hidden()).toEqual([`${part_prefix}1.0.2`, `${part_prefix}1.0.3`, hidden_name]);
    expect(bench.wrappers).toEqual(bench.wrappers.map(() => ['confined', bench.image]));
  });

  test('ends with the lost link, and goes on behind the checkpoint that it leaves', async () => {
    linkOf(link_lost);
    expect(await bench.run('receive', bench.params)).toEqual({
      type: 'receive.link_lost',
      error: link_lost.toReport(),
    });
    const checkpoint = lastCheckpoint();
    expect(checkpoint.offset_bytes).toBeGreaterThan(stream.length - 500_000);
    expect(await hidden()).toEqual([checkpoint.name]);
    bench.told.length = 0;
    linkOf();
    const done = await bench.run('receive', { ...bench.params, checkpoint });
    expect(done.type).toBe('receive.done');
    expect(bench.opened).toEqual([stream_start, checkpoint.proof]);
    expect(bench.told[0]).toEqual({ type: 'receive.begun', offset_bytes: checkpoint.offset_bytes });
  });

  test('a link that cannot be opened is a lost one; any other reason is a failure', async () => {
    bench.openData = () => Promise.reject(link_lost);
    expect((await bench.run('receive', bench.params)).type).toBe('receive.link_lost');
    bench.openData = () => Promise.reject(new IcbdError('AuthenticationFailed', 'no', { operation: 'test' }));
    expect(await codeOf(bench.run('receive', bench.params))).toBe('AuthenticationFailed');
    expect(bench.told).toEqual([]);
  });

  test('goes through the tunnel if that is asked for; one that is made anew is a lost link', async () => {
    bench.openData = () => Promise.reject(tunnelFailed(true));
    expect((await bench.run('receive', bench.params)).type).toBe('receive.link_lost');
    expect((await bench.run('receive', { ...bench.params, ssh: true })).type).toBe('receive.link_lost');
    expect(bench.tunnelled).toEqual([false, true]);
    // Nobody but an operator can help: the transfer says so.
    bench.openData = () => Promise.reject(tunnelFailed(false));
    expect(await codeOf(bench.run('receive', { ...bench.params, ssh: true }))).toBe('TunnelFailed');
  });

  test('what was not told is removed; a checkpoint that is gone is told, and it starts from zero', async () => {
    linkOf(link_lost);
    await bench.run('receive', bench.params);
    const checkpoint = lastCheckpoint();
    bench.store.receive(join(bench.image, `${part_prefix}1.0.9`), { identity: 'x', complete: false });
    bench.store.receive(join(bench.image, '.icbdrep-part-12-ab3e.1.0.9'), { identity: 'y', complete: true });
    for (const lost of [
      { ...checkpoint, name: `${part_prefix}1.0.9` },
      { ...checkpoint, name: `${part_prefix}8.0.0` },
      { ...checkpoint, uuid: sample_uuid },
      { ...checkpoint, source: { ...checkpoint.source, parent_uuid: sample_clone_uuid } },
    ]) {
      bench.told.length = 0;
      bench.openData = () => Promise.reject(link_lost);
      await bench.run('receive', { ...bench.params, checkpoint: lost });
      expect(typesTold()).toEqual(['receive.checkpoint_lost']);
      expect(bench.told[0]?.['reason']).not.toBe('');
      expect(bench.opened.at(-1)).toEqual(stream_start);
      expect(await hidden()).toEqual(['.icbdrep-part-12-ab3e.1.0.9']);
      bench.store.receive(join(bench.image, checkpoint.name), { identity: checkpoint.uuid, complete: true });
    }
  });

  test('a checkpoint that nobody hears ends it, and the part before is not deleted', async () => {
    linkOf();
    let heard = 0;
    bench.onTell = ({ type }) => {
      if (type === 'receive.checkpoint') heard += 1;
      return heard < 2;
    };
    expect(await codeOf(bench.run('receive', bench.params))).toBe('Cancelled');
    expect(await hidden()).toContain(`${part_prefix}1.0.0`);
  });

  test('a stop ends the process at once; so does no byte for too long, but not while the sender skips', async () => {
    bench.script = () => 'exec sleep 600';
    linkOf(hang);
    setTimeout(() => bench.controller.abort(), 50);
    expect(await codeOf(bench.run('receive', bench.params))).toBe('Interrupted');
    bench.controller = new AbortController();
    bench.stall_timeout_ms = 300;
    expect(await codeOf(bench.run('receive', bench.params))).toBe('Stalled');
    bench.script = (file) => `cat > '${file}'`;
    const source: StepSource = new StepSource(
      [
        async () => {
          for (let count = 0; count < 20; count += 1) {
            await new Promise((resolve) => setTimeout(resolve, 50));
            source.onSkipped?.(count);
          }
        },
        stream,
      ],
      trailerOf(stream),
    );
    bench.openData = () => Promise.resolve(source);
    expect((await bench.run('receive', bench.params)).type).toBe('receive.done');
  });
});

describe('prepare', () => {
  const none = { type: 'prepare.done', keeps_checkpoint: false, resume_bytes: 0, reason: '' };
  const part: Checkpoint = {
    source: { uuid: sample_uuid, parent_uuid: null, stream_version: 2 },
    offset_bytes: 1_500_000,
    proof: { offset_bytes: 1_048_576, hash: '0123456789abcdef' },
    rest_hash: '0123456789abcdef',
    name: `${part_prefix}3.0.5`,
    uuid: '11111111-1111-8111-8111-111111111111',
    index: 5,
    ctransid: '42',
  };

  test('keeps the checkpoint that is of use, and removes all else of this transfer', async () => {
    for (const name of [`${part_prefix}3.0.6`, '.icbdrep-part-13-ab3f.1.0.0']) stand(name, 'x', false);
    stand(part.name, part.uuid);
    expect(await prepare({ checkpoint: part })).toEqual({
      type: 'prepare.done',
      keeps_checkpoint: true,
      resume_bytes: 1_500_000,
      reason: '',
    });
    expect(await hidden()).toEqual([part.name, '.icbdrep-part-13-ab3f.1.0.0']);
    expect(await prepare({})).toEqual(none);
    expect(await hidden()).toEqual(['.icbdrep-part-13-ab3f.1.0.0']);
  });

  test('says why it does not', async () => {
    const cases: [object, RegExp][] = [
      [{ checkpoint: part, from_zero: true }, /the master wants/],
      [{ checkpoint: part, stream_version: 1 }, /another stream/],
      [{ checkpoint: { ...part, uuid: sample_uuid } }, /not complete any more/],
    ];
    for (const [params, reason] of cases) {
      stand(part.name, part.uuid);
      expect(await prepare(params)).toEqual({ ...none, reason: expect.stringMatching(reason) });
      expect(await hidden()).toEqual([]);
    }
    stand(part.name, part.uuid, false);
    expect(await prepare({ checkpoint: part })).toMatchObject({ keeps_checkpoint: false });
  });

  test('a node without a tunnel refuses what is to come through one', async () => {
    expect(await codeOf(prepare({ ssh: true }))).toBe('InvalidConfig');
    bench.has_tunnel = true;
    expect(await prepare({ ssh: true })).toMatchObject({ type: 'prepare.done' });
  });

  test('what stands there already leaves nothing to be done, under any number', async () => {
    stand(part.name, part.uuid);
    stand('5', sample_uuid);
    expect(await prepare({ checkpoint: part })).toEqual({ type: 'prepare.already_there' });
    expect(await hidden()).toEqual([]);
  });

  test('a conflict, a missing parent, no room and an unknown image are refused', async () => {
    expect(await codeOf(prepare({ parent: { number: '6', uuid: sample_clone_uuid } }))).toBe(
      'SnapshotNotFound',
    );
    stand('6', sample_clone_uuid);
    expect(await prepare({ parent: { number: '6', uuid: sample_clone_uuid } })).toEqual(none);
    bench.store.free_bytes = 1_000;
    expect(await codeOf(prepare({}))).toBe('NoSpace');
    stand('7', sample_clone_uuid);
    expect(await codeOf(prepare({}))).toBe('SnapshotConflict');
    bench.images.clear();
    await codeOf(prepare({}));
    expect([...bench.images]).toEqual(['vm']);
  });
});

describe('publish and cleanup', () => {
  test('the snapshot gets its name and nothing else of the transfer stays; twice is as once', async () => {
    const hidden_name = `${part_prefix}1.0.4`;
    stand(hidden_name, sample_uuid);
    stand(`${part_prefix}1.0.3`, 'x');
    stand('.icbdrep-part-13-ab3f.1.0.0', 'y');
    for (const _ of [1, 2]) {
      expect(await bench.run('publish', { ...bench.params, hidden_name })).toEqual({ type: 'publish.done' });
      expect(await hidden()).toEqual(['.icbdrep-part-13-ab3f.1.0.0']);
      expect((await bench.store.inspect(join(bench.image, '7'))).received_uuid).toBe(sample_uuid);
    }
  });

  test('what another transfer has published meanwhile is enough; a stranger under the number is not', async () => {
    const hidden_name = `${part_prefix}1.0.4`;
    stand('7', sample_uuid);
    stand(hidden_name, sample_uuid);
    stand(`${part_prefix}1.0.3`, 'x');
    expect(await bench.run('publish', { ...bench.params, hidden_name })).toEqual({ type: 'publish.done' });
    expect(await hidden()).toEqual([]);
    stand('8', 'another');
    stand(hidden_name, sample_uuid);
    await expect(bench.run('publish', { ...bench.params, number: '8', hidden_name })).rejects.toMatchObject({
      code: 'SnapshotConflict',
    });
    expect(await hidden()).toEqual([hidden_name]);
  });

  test('cleanup removes all but what is to be kept, and has nothing to do where no image is', async () => {
    stand(`${part_prefix}1.0.3`, 'x');
    stand(`${part_prefix}1.0.4`, 'y');
    const done = { type: 'cleanup.done' };
    expect(await bench.run('cleanup', { ...bench.params, keep: `${part_prefix}1.0.4` })).toEqual(done);
    expect(await hidden()).toEqual([`${part_prefix}1.0.4`]);
    expect(await bench.run('cleanup', { ...bench.params, keep: null })).toEqual(done);
    expect(await hidden()).toEqual([]);
    expect(await bench.run('cleanup', { ...bench.params, image: 'none', keep: null })).toEqual(done);
  });
});
