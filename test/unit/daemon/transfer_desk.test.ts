import { describe, expect, test } from 'vitest';
import type { TransferInput } from '../../../src/actors/transfer_events.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { PlainEvent } from '../../../src/core/records.js';
import { TransferDesk, type TransferDeskOptions } from '../../../src/daemon/transfer_desk.js';

const cause = { kind: 'operator', who: 'test' } as const;

/** A desk before an image whose snapshots follow one another in this order, and what it starts. */
function deskOf(snapshots: readonly string[]) {
  const started: TransferInput[] = [];
  const options = {
    runtime: {
      deliver: (_actor: unknown, event: PlainEvent) => {
        if (event.type === 'image.send') started.push(...(event['transfers'] as TransferInput[]));
      },
    },
    storage: {
      actors: { list: () => [], load: () => undefined },
      node: { meta: () => '0', setMeta: () => undefined },
      transaction: <T>(work: () => T): T => work(),
    },
    repository: {
      settings: () => ({ codec: null }),
      snapshots: () => Promise.resolve(snapshots.map((number) => ({ number }))),
      snapshot: (_image: string, number: string) =>
        Promise.reject(new IcbdError('SnapshotNotFound', `no ${number}`, { operation: 'find snapshot' })),
    },
    reports: {},
    resolveReplicas: (to: readonly string[]) => [...to],
    instance: 'abcdef',
    failures_max: 3,
  };
  return { desk: new TransferDesk(options as unknown as TransferDeskOptions), started };
}

describe('a send', () => {
  test('is in the order of the snapshots, each once for each replica', async () => {
    const { desk, started } = deskOf(['2', '10', 'zeta', 'alpha']);
    await desk.send({ image: 'vm', numbers: ['alpha', '10', 'zeta', '10'], to: ['r1', 'r2'] }, cause);
    expect(started.map(({ number, replica }) => `${number} ${replica}`)).toEqual([
      '10 r1',
      '10 r2',
      'zeta r1',
      'zeta r2',
      'alpha r1',
      'alpha r2',
    ]);
  });

  test.each([
    [undefined, false],
    [false, false],
    [true, true],
  ])('with ssh = %s', async (ssh, expected) => {
    const { desk, started } = deskOf(['1']);
    await desk.send(
      { image: 'vm', numbers: ['1'], to: ['r1'], ...(ssh === undefined ? {} : { ssh }) },
      cause,
    );
    expect(started.map((transfer) => transfer.ssh)).toEqual([expected]);
  });

  test('starts nothing if one of the snapshots is not there', async () => {
    const { desk, started } = deskOf(['1']);
    await expect(desk.send({ image: 'vm', numbers: ['1', '2'], to: ['r1'] }, cause)).rejects.toMatchObject({
      code: 'SnapshotNotFound',
    });
    expect(started).toEqual([]);
  });
});
