/**
 * Takes the next snapshot of an image, sends it to every replica, and says how that went.
 *
 *   node examples/replicate.mjs IMAGE [SOCKET]
 *
 * Needs a master that runs, and the image added on it and on the replicas. Ctrl-C gives up the waiting, and not the
 * transfers.
 */
import { connect, IcbdError } from 'icbd-replication';

const [image, socket] = process.argv.slice(2);
if (image === undefined) {
  console.error('usage: node examples/replicate.mjs IMAGE [SOCKET]');
  process.exit(2);
}

const given_up = new AbortController();
process.once('SIGINT', () => given_up.abort());
const { signal } = given_up;

try {
  const master = connect(socket === undefined ? {} : { socket });
  const { number, path } = await master.snapshots.create(image, { signal });
  console.log(`took ${path}`);

  const verdicts = await master.transfers.check({ image, numbers: [number], to: ['all'] }, { signal });
  for (const { node, error } of verdicts.filter(({ accepts }) => !accepts)) {
    console.log(`${node} will not take it now: ${error?.message ?? 'it is there already'}`);
  }

  const sent = await master.transfers.send({ image, numbers: [number], to: ['all'] }, { signal });
  for (const { id, replica } of sent) {
    for await (const transfer of master.transfers.watch(id, { signal })) {
      const { state, progress } = transfer;
      const done = progress === null ? '' : `, ${Math.round(progress.stream_bytes / 1024 / 1024)} MiB`;
      console.log(`${replica}: ${state}${done}`);
    }
  }
  const ended = await master.transfers.wait(
    sent.map(({ id }) => id),
    { signal },
  );
  const lost = ended.filter(({ state }) => state !== 'completed');
  console.log(`${ended.length - lost.length} of ${ended.length} replicas hold ${image}/${number}`);
  process.exitCode = lost.length === 0 ? 0 : 20;
} catch (error) {
  if (!(error instanceof IcbdError)) throw error;
  console.error(`${error.message} [${error.code}]\n${error.hint}`);
  process.exitCode = 1;
}
