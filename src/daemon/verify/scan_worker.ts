/** What runs in the thread of a scan: it may block, and it may be ended at any moment. */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { IcbdError } from '../../core/errors.js';
import type { ScanNews, ScanOrder, ScanProgress, ScanThreadData } from './scan_messages.js';
import { TreeScan } from './tree_scan.js';
import { readXattrs } from './xattrs.js';

/** Time between two reports of progress, ms. */
const report_every_ms = 200;

const { root } = workerData as ScanThreadData;
let reported_at_ms = 0;

function say(news: ScanNews): void {
  parentPort?.postMessage(news, []);
}

function report(progress: ScanProgress): void {
  const now_ms = performance.now();
  if (now_ms - reported_at_ms < report_every_ms) return;
  reported_at_ms = now_ms;
  say({ kind: 'progress', progress });
}

function explain(thrown: unknown): IcbdError {
  if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') {
    return IcbdError.from(thrown, 'verify snapshot', root);
  }
  return new IcbdError('SnapshotNotFound', `${root} went away while it was read`, {
    operation: 'verify snapshot',
    subject: root,
    hint: 'somebody deleted it',
    cause: thrown,
  });
}

async function scan(): Promise<TreeScan> {
  const tree = new TreeScan(root);
  const progress = { entries: 0, bytes: 0, total_bytes: null };
  const { bytes: total_bytes } = tree.count((entries) => report({ ...progress, phase: 'listing', entries }));
  say({ kind: 'progress', progress: { ...progress, phase: 'attributes' } });
  const xattrs = await readXattrs(root);
  const summary = tree.hash(xattrs, (bytes, entries) => {
    report({ phase: 'hashing', entries, bytes, total_bytes });
  });
  say({ kind: 'done', summary });
  return tree;
}

function ask(tree: TreeScan, order: ScanOrder): unknown {
  switch (order.method) {
    case 'list':
      return tree.list(order.path, order.after);
    case 'marks':
      return tree.marks(order.path);
    case 'blocks':
      return tree.blocks(order.path, order.offset_bytes, order.block_bytes, order.count);
  }
}

// On Linux this is of the thread alone: what transfers do goes first.
setPriority(constants.priority.PRIORITY_LOW);
try {
  const tree = await scan();
  parentPort?.on('message', (order: ScanOrder) => {
    try {
      say({ kind: 'answer', id: order.id, result: ask(tree, order) });
    } catch (thrown) {
      say({ kind: 'refused', id: order.id, error: explain(thrown).toReport() });
    }
  });
} catch (thrown) {
  say({ kind: 'failed', error: explain(thrown).toReport() });
}
