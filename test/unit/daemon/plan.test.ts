import { describe, expect, test } from 'vitest';
import type { Capabilities, Codec } from '../../../src/core/codecs.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { SnapshotInfo } from '../../../src/core/lineage.js';
import type { ControlLink } from '../../../src/core/link.js';
import type { EffectRecord, PlainEvent } from '../../../src/core/records.js';
import { type PlanOptions, planEffect } from '../../../src/daemon/effects/plan.js';
import { FakeSnapshots } from '../../fakes/fake_snapshots.js';

const ours: Capabilities = {
  codecs: ['none', 'lz4', 'zstd'],
  stream_version_max: 2,
  btrfs_progs: '6.2',
  kernel: '6.18',
};

function linkTo(answer: () => unknown, capabilities: Partial<Capabilities> = {}): ControlLink {
  return {
    peer: { node: 'r1', instance: 'i', address: '', capabilities: { ...ours, ...capabilities } },
    session: 's',
    sendMessage: () => {},
    request: async () => answer(),
    ping: async () => 0,
    setRhythm: () => {},
    close: () => {},
  };
}

/** A master with the snapshots 1 and 2 of `vm`, and what it plans for 2. */
async function plan(
  link: ControlLink,
  codec: Codec | null = null,
  options: Partial<PlanOptions> = {},
  pinned: { readonly parent?: string; readonly stream_version?: 1 | 2 } = {},
): Promise<{ event: PlainEvent; snapshots: SnapshotInfo[] }> {
  const store = new FakeSnapshots({ mountpoint: '/m' });
  store.makeDirectory('/m/vm');
  await store.createSubvolume('/m/vm/live');
  for (const number of ['1', '2']) await store.createSnapshot('/m/vm/live', `/m/vm/${number}`);
  const effect = planEffect({
    store,
    imagePath: (image) => `/m/${image}`,
    capabilities: ours,
    linkTo: () => link,
    default_codec: 'none',
    stream: 'auto',
    ...options,
  });
  const free = { parent: 'auto', stream_version: null };
  const params = { image: 'vm', number: '2', replica: 'r1', codec, ...free, ...pinned };
  const event = await effect({ params } as unknown as EffectRecord, {
    signal: new AbortController().signal,
    tell: () => true,
  });
  return { event, snapshots: await store.listSnapshots('/m/vm') };
}

const copyOf = (number: string, received_uuid: string): SnapshotInfo => ({
  number,
  uuid: 'ffffffff-0000-4000-8000-00000000000f',
  received_uuid,
  parent_uuid: '',
  created_generation: 1,
  created_at_ms: 0,
});

describe('planning an attempt', () => {
  test('in full when the replica holds nothing, in the newest version that both can', async () => {
    const { event, snapshots } = await plan(linkTo(() => []));
    expect(event).toMatchObject({
      type: 'plan.done',
      result: { uuid: snapshots[1]?.uuid, parent: null, codec: 'none', stream_version: 2 },
    });
  });

  test('on the parent that both hold', async () => {
    const { snapshots } = await plan(linkTo(() => []));
    const [first] = snapshots;
    const { event } = await plan(linkTo(() => [copyOf('other name', first?.uuid ?? '')]));
    expect(event).toMatchObject({ result: { parent: { number: '1', uuid: first?.uuid } } });
  });

  test('on the parent that a fork asks for, or on none', async () => {
    const { snapshots } = await plan(linkTo(() => []));
    const [first] = snapshots;
    const link = linkTo(() => [copyOf('1', first?.uuid ?? '')]);
    const reason = 'asked for when the transfer was forked';
    const pinned = await plan(link, null, {}, { parent: '1', stream_version: 1 });
    expect(pinned.event).toMatchObject({
      result: { parent: { number: '1', uuid: first?.uuid }, reason, stream_version: 1 },
    });
    const full = await plan(link, null, {}, { parent: 'none' });
    expect(full.event).toMatchObject({ result: { parent: null, reason, stream_version: 2 } });
  });

  test.each([
    ['1', 'SnapshotNotFound', 'r1 does not hold the parent vm/1'],
    ['7', 'SnapshotNotFound', 'the parent vm/7 is not on the master'],
    ['2', 'InvalidArgument', 'vm/2 cannot be its own parent'],
  ])('the parent %s that is not there is refused', async (parent, code, message) => {
    await expect(
      plan(
        linkTo(() => []),
        null,
        {},
        { parent },
      ),
    ).rejects.toMatchObject({
      code,
      message,
      retryable: false,
    });
  });

  test('nothing to do when it is there', async () => {
    const { snapshots } = await plan(linkTo(() => []));
    const { event } = await plan(linkTo(() => [copyOf('2', snapshots[1]?.uuid ?? '')]));
    expect(event).toEqual({ type: 'plan.already_there', number: '2' });
  });

  test('a conflict names both, and says what to do', async () => {
    const other = 'eeeeeeee-0000-4000-8000-00000000000e';
    await expect(plan(linkTo(() => [copyOf('2', other)]))).rejects.toMatchObject({
      code: 'SnapshotConflict',
      retryable: false,
      hint: expect.stringContaining(other) as string,
    });
  });

  test('an image that the replica does not hold is said with the replica in it', async () => {
    const link = linkTo(() => {
      throw new IcbdError('ImageNotFound', 'there is no image vm on this node', { operation: 'find image' });
    });
    await expect(plan(link)).rejects.toMatchObject({
      code: 'ImageNotFound',
      message: 'r1 does not hold the image vm',
      retryable: false,
    });
  });

  test('an answer that does not fit is refused', async () => {
    await expect(plan(linkTo(() => [{ number: 7 }]))).rejects.toMatchObject({ code: 'InvalidMessage' });
  });

  test('a codec that was asked for is used or refused; a preferred one gives way', async () => {
    const without_zstd = linkTo(() => [], { codecs: ['none', 'lz4'] });
    expect((await plan(without_zstd, 'lz4')).event).toMatchObject({ result: { codec: 'lz4' } });
    await expect(plan(without_zstd, 'zstd')).rejects.toMatchObject({ code: 'CodecNotSupported' });
    const preferred = await plan(without_zstd, null, { default_codec: 'zstd' });
    expect(preferred.event).toMatchObject({ result: { codec: 'none' } });
  });

  test.each([
    ['auto', 1, 1],
    ['auto', 2, 2],
    ['v1', 2, 1],
    ['v2', 2, 2],
  ] as const)('stream %s with a replica that can %i is version %i', async (stream, theirs, version) => {
    const link = linkTo(() => [], { stream_version_max: theirs });
    expect((await plan(link, null, { stream })).event).toMatchObject({ result: { stream_version: version } });
  });

  test('v2 is refused where one side cannot', async () => {
    const link = linkTo(() => [], { stream_version_max: 1 });
    await expect(plan(link, null, { stream: 'v2' })).rejects.toMatchObject({
      code: 'StreamVersionNotSupported',
    });
  });
});
