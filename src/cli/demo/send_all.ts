/** The chapters of the demo in which snapshots are sent, and a replica is killed. */
import { join } from 'node:path';
import { IcbdError } from '../../core/errors.js';
import type { TransferReport } from '../../core/report.js';
import { renderText } from '../../diagram/text.js';
import { pause } from '../context.js';
import { makeDisplay } from '../display.js';
import { renderHistory } from '../render/history.js';
import { renderTransfers } from '../render/lists.js';
import { describeProgress, nameOfTransfer } from '../render/progress.js';
import { isLost, waitForTransfers } from '../wait.js';
import { formatBytes } from '../render/units.js';
import type { DemoNode } from './nodes.js';
import { type Stage, bringUp, data_mib, image, liveOf, takeSnapshot } from './stage.js';
import { changeVmImage, makeVmImage } from './vm_image.js';

const interval_ms = 200;
const log_interval_ms = 1_000;

/** Sends snapshots to all replicas, and waits for them; `meanwhile` runs beside. */
async function sendToAll(
  stage: Stage,
  numbers: readonly string[],
  meanwhile?: (started: readonly TransferReport[], note: (text: string) => void) => Promise<void>,
): Promise<TransferReport[]> {
  const { story, master, signal } = stage;
  const { context } = story;
  const { clock } = context;
  story.sameAs(`send ${image} ${numbers.join(' ')} --to all --wait`);
  const started = await master.client.transfers.send({ image, numbers, to: ['all'] });
  const display = makeDisplay(context, context.stdout, log_interval_ms);
  const [transfers] = await Promise.all([
    waitForTransfers(master.client.transfers, started, { clock, display, signal, interval_ms }),
    meanwhile?.(started, (text) => display.note(text)),
  ]);
  signal.throwIfAborted();
  const lost = transfers.find(isLost);
  if (lost !== undefined) {
    throw new IcbdError(lost.last_error?.code ?? 'Internal', `${nameOfTransfer(lost)} is ${lost.state}`, {
      operation: 'demo',
      subject: lost.id,
      hint: lost.last_error?.message ?? lost.parked_reason,
    });
  }
  return transfers;
}

/**
 * Waits for the middle of a transfer, and kills the replica's daemon there.
 * @returns the transfer as it was a moment before; undefined if it was over too soon
 */
async function killInTheMiddle(
  stage: Stage,
  id: string,
  victim: DemoNode,
): Promise<TransferReport | undefined> {
  const { master, signal, story } = stage;
  while (!signal.aborted) {
    const transfer = await master.client.transfers.get(id);
    if (transfer.settled) return undefined;
    const { stream_bytes = 0, total_bytes = null } = transfer.progress ?? {};
    const part = total_bytes === null || total_bytes === 0 ? 0 : stream_bytes / total_bytes;
    if (transfer.state === 'sending' && part > 0.35) {
      // Close to its end it could be over before the signal arrives.
      if (part > 0.75) return undefined;
      stage.daemons.get(victim.name)?.kill('SIGKILL');
      return transfer;
    }
    await pause(story.context.clock, 20, signal);
  }
  return undefined;
}

/** Sends a snapshot to all, and kills one replica in the middle of it; returns the transfer that survived it. */
async function sendThroughCrash(stage: Stage, number: string): Promise<TransferReport | undefined> {
  const { replicas, signal, story, daemons } = stage;
  const { clock } = story.context;
  const victim = replicas.at(-1);
  if (victim === undefined) return undefined;
  let hit: string | undefined;
  const transfers = await sendToAll(stage, [number], async (started, note) => {
    const target = started.find((transfer) => transfer.replica === victim.name);
    if (target === undefined) return;
    const pid = daemons.get(victim.name)?.pid;
    const moment = await killInTheMiddle(stage, target.id, victim);
    if (moment === undefined) return;
    hit = target.id;
    note(`*** kill -9 ${pid}, the daemon of ${victim.name}, at ${describeProgress(moment)}`);
    await pause(clock, 1_500, signal);
    signal.throwIfAborted();
    note(`*** started ${victim.name} again, pid ${await bringUp(stage, victim)}; from here on nobody helps`);
  });
  return transfers.find((transfer) => transfer.id === hit && transfer.link_losses > 0);
}

/** Sends all snapshots through a crash; adds the numbers of further snapshots, if the first went too fast to be hit. */
export async function sendAll(stage: Stage, numbers: string[]): Promise<TransferReport> {
  const { story, signal } = stage;
  const [first = '1', ...rest] = numbers;
  story.heading(`Snapshot ${first} goes to both replicas in full; one is killed in the middle`);
  let survivor = await sendThroughCrash(stage, first);
  story.heading(`Snapshots ${rest.join(' and ')} follow as increments`);
  const increments = await sendToAll(stage, rest);
  story.raw(renderTransfers(increments, story.view));
  for (let round = 1; survivor === undefined && round <= 3; round += 1) {
    story.heading('No transfer lasted long enough to be hit in its middle: once more, with more data');
    await changeVmImage(liveOf(stage), data_mib, signal);
    await makeVmImage(join(liveOf(stage), `more-${round}`), data_mib * round, signal);
    const number = await takeSnapshot(stage);
    numbers.push(number);
    survivor = await sendThroughCrash(stage, number);
  }
  if (survivor !== undefined) return survivor;
  throw new IcbdError('Internal', 'no transfer could be hit in its middle', { operation: 'demo' });
}

/** Tells every step of the transfer that survived. */
export async function tellHistory(stage: Stage, survivor: TransferReport): Promise<void> {
  const { story, master } = stage;
  story.heading(`What happened to the transfer ${nameOfTransfer(survivor)}, as the master recorded it`);
  story.sameAs(`transfer history ${survivor.id}`);
  story.raw(renderHistory(await master.client.transfers.history(survivor.id), story.view));
  const diagram = await master.client.inspection.diagram('transfer', survivor.id);
  story.sameAs(`transfer diagram ${survivor.id}`);
  const columns = story.view.columns === null ? {} : { columns: story.view.columns };
  story.raw(renderText(diagram, { ...columns, name: survivor.id }));
  const { resumed_bytes, stream_bytes } = survivor;
  if (resumed_bytes === 0 || stream_bytes === null) return;
  const whole = formatBytes(stream_bytes);
  story.line(
    `the replica had ${formatBytes(resumed_bytes)} of ${whole} on its disk: only the rest was sent again`,
  );
}
