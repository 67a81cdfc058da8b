import { useEffect, useMemo, useState } from 'preact/hooks';
import { IcbdError } from '../../core/errors.js';
import type { FleetReport } from '../../core/fleet_report.js';
import type { ImageDetails, SnapshotReport, TransferReport } from '../../core/report.js';
import { get, part, post } from '../api.js';
import { onLive } from '../live.js';
import { useReloads, withChanged } from '../replicas/use_replicas.js';
import { useResource } from '../resource.js';
import { fleet_path } from '../routes.js';
import { StartDialog } from '../transfers/start_dialog.js';
import { ErrorBox, Loading } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { formatNumberOf } from '../ui/format.js';
import { PageHead } from '../ui/page_head.js';
import { StateBadge } from '../ui/state_badge.js';
import { imageWords } from '../ui/state_words.js';
import { showToast } from '../ui/toasts.js';
import { CopyTable } from './copy_table.js';
import { ImageHistory } from './image_history.js';
import { SnapshotTable } from './snapshot_table.js';
import { TransferTable } from './transfer_table.js';

const transfers_shown = 20;

function useImage(name: string) {
  const image = useResource(`image ${name}`, (until) => get<ImageDetails>(`images/${part(name)}`, {}, until));
  const snapshots = useResource(`snapshots ${name}`, (until) =>
    get<SnapshotReport[]>(`images/${part(name)}/snapshots`, { needs: true }, until),
  );
  const fleet = useResource(`copies ${name}`, (until) => get<FleetReport>('fleet', {}, until));
  useReloads(fleet.reload);
  useReloads(snapshots.reload);
  const { change } = image;
  const { reload } = snapshots;
  useEffect(
    () =>
      onLive('images', (changed) => {
        const own = changed.find((candidate) => candidate.name === name);
        if (own === undefined) return;
        change((old) => {
          if (old.newest !== own.newest || old.snapshot_count !== own.snapshot_count) reload();
          return { ...old, ...own };
        });
      }),
    [name, change, reload],
  );
  const copies = useMemo(() => fleet.data?.copies.filter((copy) => copy.image === name), [fleet.data, name]);
  return { image, snapshots, copies };
}

function Transfers({ name }: { name: string }) {
  const query = { image: name, sort: 'updated', direction: 'down', limit: transfers_shown };
  const { data, error, reload, change } = useResource(`transfers of ${name}`, (until) =>
    get<TransferReport[]>('transfers', query, until),
  );
  useEffect(
    () =>
      onLive('transfers', (changed) => {
        const own = changed.filter(({ image }) => image === name);
        if (own.length === 0) return;
        change((all) =>
          withChanged(all, own, ({ id }) => id)
            .toSorted((one, other) => other.updated_at_ms - one.updated_at_ms)
            .slice(0, transfers_shown),
        );
      }),
    [name, change],
  );
  return (
    <section class="card block" aria-labelledby="transfers-title">
      <header class="card-head">
        <h2 id="transfers-title">Its transfers</h2>
        <a href={`/transfers?image=${encodeURIComponent(name)}`}>All of them</a>
      </header>
      {error === null ? null : <ErrorBox error={error} onRetry={reload} />}
      {data === undefined ? (
        <Loading what="its transfers" rows={4} />
      ) : (
        <TransferTable transfers={data} has_replica />
      )}
    </section>
  );
}

function useTake(name: string, onTaken: () => void) {
  const [is_busy, setBusy] = useState(false);
  const [error, setError] = useState<IcbdError | null>(null);
  const take = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const { number } = await post<SnapshotReport>(`images/${part(name)}/snapshots`);
      showToast('good', `Snapshot ${number} of ${name} was taken.`);
      onTaken();
    } catch (thrown) {
      setError(IcbdError.from(thrown, 'take a snapshot', name));
    }
    setBusy(false);
  };
  return { is_busy, error, take };
}

function Head({
  image,
  onSend,
  take,
  is_busy,
}: {
  image: ImageDetails;
  onSend: () => void;
  take: () => Promise<void>;
  is_busy: boolean;
}) {
  const { name, state, snapshot_count, source, path } = image;
  const send_refusal = snapshot_count === 0 ? 'There is no snapshot of it yet' : '';
  return (
    <PageHead
      title={name}
      actions={
        <>
          <Button
            icon="plus"
            is_busy={is_busy}
            refusal={source === '' ? 'It has no writable subvolume on this node to take one of' : ''}
            onClick={() => void take()}
          >
            Take a snapshot
          </Button>
          <Button kind="primary" icon="arrow" refusal={send_refusal} onClick={onSend}>
            Send to…
          </Button>
        </>
      }
    >
      <a href={fleet_path}>Fleet</a>
      <StateBadge words={imageWords(state)} />
      <span>{snapshot_count === null ? 'not scanned yet' : formatNumberOf(snapshot_count, 'snapshot')}</span>
      <span class="mono">{path}</span>
      {source === '' ? null : (
        <span>
          taken of <span class="mono">{source}</span>
        </span>
      )}
    </PageHead>
  );
}

export function ImagePage({ name }: { name: string }) {
  const { image, snapshots, copies } = useImage(name);
  const [sent, setSent] = useState<string | null>(null);
  const { is_busy, error, take } = useTake(name, snapshots.reload);
  if (image.data === undefined) {
    return (
      <>
        <PageHead title={name} />
        {image.error === null ? (
          <Loading what="the image" rows={10} />
        ) : (
          <ErrorBox error={image.error} title="The image could not be read" onRetry={image.reload} />
        )}
      </>
    );
  }
  const failure = error ?? image.error;
  return (
    <>
      <Head
        image={image.data}
        onSend={() => setSent(image.data?.newest ?? '')}
        take={take}
        is_busy={is_busy}
      />
      {failure === null ? null : <ErrorBox error={failure} />}
      {image.data.error === null ? null : <ErrorBox error={image.data.error} title="Its directory" />}
      <div class="image">
        <section class="card block" aria-labelledby="copies-title">
          <header class="card-head">
            <h2 id="copies-title">Copies on replicas</h2>
          </header>
          {copies === undefined ? (
            <Loading what="its copies" rows={4} />
          ) : (
            <CopyTable copies={copies} by="replica" />
          )}
        </section>
        <section class="card block" aria-labelledby="snapshots-title">
          <header class="card-head">
            <h2 id="snapshots-title">Snapshots on this master</h2>
          </header>
          {snapshots.error === null ? null : <ErrorBox error={snapshots.error} onRetry={snapshots.reload} />}
          {snapshots.data === undefined ? (
            <Loading what="its snapshots" rows={4} />
          ) : (
            <SnapshotTable snapshots={snapshots.data} copies={copies ?? []} onSend={setSent} />
          )}
        </section>
        <Transfers name={name} />
        <ImageHistory name={name} />
      </div>
      {sent === null ? null : <StartDialog image={name} number={sent} onClose={() => setSent(null)} />}
    </>
  );
}
