/** The chapter of the demo in which sources and copies are compared. */
import { IcbdError } from '../../core/errors.js';
import type { SnapshotReport } from '../../core/report.js';
import { renderRows, renderTable } from '../render/table.js';
import { formatBytes, formatDuration } from '../render/units.js';
import { type TreeDigest, differencesOf, digestTree } from './compare.js';
import type { DemoNode } from './nodes.js';
import { type Stage, image } from './stage.js';

interface Copy {
  readonly node: DemoNode;
  readonly snapshot: SnapshotReport;
  readonly tree: TreeDigest;
  /** Where it differs from its source; the source from itself nowhere. */
  readonly differences: readonly string[];
}

async function readCopy(stage: Stage, node: DemoNode, number: string): Promise<Copy> {
  const snapshot = (await node.client.snapshots.list(image)).find((one) => one.number === number);
  if (snapshot === undefined) {
    throw new IcbdError('SnapshotNotFound', `${node.name} has no snapshot ${number}`, { operation: 'demo' });
  }
  return { node, snapshot, tree: await digestTree(snapshot.path, stage.signal), differences: [] };
}

function compared(copy: Copy, source: Copy): Copy {
  const differences = differencesOf(source.tree, copy.tree);
  const { number, received_uuid } = copy.snapshot;
  if (received_uuid !== source.snapshot.uuid) {
    differences.push(`received_uuid ${received_uuid} is not the uuid of the source`);
  }
  return { ...copy, differences: differences.map((line) => `${copy.node.name}, ${number}: ${line}`) };
}

function rowOf({ node, snapshot, tree, differences }: Copy): string[] {
  const verdict = differences.length > 0 ? 'DIFFERENT' : node.role === 'master' ? 'the source' : 'EQUAL';
  const { number, uuid, received_uuid } = snapshot;
  return [number, node.name, String(tree.lines.size), tree.digest.slice(0, 16), uuid, received_uuid, verdict];
}

const columns = ['SNAPSHOT', 'NODE', 'FILES', 'SHA-256 OF ALL', 'UUID', 'RECEIVED UUID', 'VERDICT'];

/**
 * Compares the snapshots of these numbers on the replicas with those on the master.
 * @throws IcbdError `CorruptData` if any copy is not equal to its source, `SnapshotNotFound` if one is missing
 */
export async function compareAll(stage: Stage, numbers: readonly string[]): Promise<void> {
  const { story, master, replicas } = stage;
  const { clock } = story.context;
  const nodes = [master, ...replicas];
  story.heading('Every file of every snapshot, compared: content, type, mode, owner, size, time, links');
  const started_ms = clock.now();
  const copies: Copy[] = [];
  for (const number of numbers) {
    const [source, ...others] = await Promise.all(nodes.map((node) => readCopy(stage, node, number)));
    if (source === undefined) continue;
    copies.push(source, ...others.map((copy) => compared(copy, source)));
  }
  const titles = columns.map((title) => ({ title }));
  story.raw(renderTable(titles, copies.map(rowOf), story.view));
  const read_bytes = copies.reduce((sum, { tree }) => sum + tree.content_bytes, 0);
  story.line(`read ${formatBytes(read_bytes)} in ${formatDuration(clock.now() - started_ms)}`);
  const differences = copies.flatMap((copy) => copy.differences);
  if (differences.length > 0) {
    const first = differences.slice(0, 20).map((line) => [line]);
    story.raw(renderRows(first, story.view));
    throw new IcbdError('CorruptData', `${differences.length} differences between source and copies`, {
      operation: 'demo',
      subject: image,
      hint: 'this is a bug: run again with --keep, and report it with the logs of the daemons',
    });
  }
  const count = numbers.length * replicas.length;
  story.line(`all ${count} copies are equal to their sources, byte for byte`, 'green');
}
