import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { CopyReport, FleetReport } from '../../core/fleet_report.js';
import type { TransferReport } from '../../core/report.js';
import { redrive, send, tellError } from '../actions.js';
import { get, part } from '../api.js';
import { now_ms } from '../clock.js';
import { useResource } from '../resource.js';
import { replicaPath, transferPath } from '../routes.js';
import { progressOf } from '../store.js';
import { ErrorBox } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { ProgressBar } from '../ui/progress_bar.js';
import { progressWords } from '../ui/progress_words.js';
import { StateBadge } from '../ui/state_badge.js';
import { copyWords } from '../ui/state_words.js';
import { copySentences, lagNow } from './copy_words.js';

interface Props {
  readonly copy: CopyReport;
  readonly image: FleetReport['images'][number];
  readonly report_at_ms: number;
  /** What it is shown beside. */
  readonly anchor: HTMLElement;
  readonly onClose: () => void;
}

/** Puts the card under what it is about, or above where there is more room. On a phone the styles place it. */
function placeCard(card: HTMLElement, anchor: HTMLElement): void {
  const beside = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = card;
  const left = Math.min(Math.max(8, beside.left), innerWidth - offsetWidth - 8);
  const is_below = beside.bottom + 6 + offsetHeight < innerHeight || beside.top < innerHeight / 2;
  const top = is_below ? beside.bottom + 6 : beside.top - 6 - offsetHeight;
  card.style.left = `${left}px`;
  card.style.top = `${Math.max(8, Math.min(top, innerHeight - offsetHeight - 8))}px`;
}

function RunningTransfer({ id }: { id: string }) {
  const progress = progressOf(id).value;
  return (
    <div class="copy-transfer">
      <a href={transferPath(id)}>Transfer {id}</a>
      {progress === null ? (
        <span class="dim">not sending at the moment</span>
      ) : (
        <>
          <ProgressBar progress={progress} label={`Progress of ${id}`} />
          <span class="dim">{progressWords(progress)}</span>
        </>
      )}
    </div>
  );
}

function FailedTransfer({ id }: { id: string }) {
  const { data } = useResource(`transfer ${id}`, (until) =>
    get<TransferReport>(`transfers/${part(id)}`, {}, until),
  );
  const error = data?.last_error ?? null;
  return (
    <div class="copy-transfer">
      <a href={transferPath(id)}>Transfer {id} failed</a>
      {error === null ? null : <ErrorBox error={error} />}
    </div>
  );
}

/** All that is known of one copy, and what can be done about it. */
export function CopyCard({ copy, image, report_at_ms, anchor, onClose }: Props) {
  const card = useRef<HTMLDivElement>(null);
  const [is_busy, setBusy] = useState(false);
  useLayoutEffect(() => {
    const element = card.current;
    if (element === null) return undefined;
    element.showPopover();
    placeCard(element, anchor);
    const focused = element.querySelector<HTMLElement>('a, button');
    focused?.focus();
    return () => {
      if (element.contains(document.activeElement) && anchor.isConnected) anchor.focus();
    };
  }, [anchor]);
  useEffect(() => {
    const stop = new AbortController();
    const options = { signal: stop.signal, capture: true, passive: true };
    const close = (event: Event): void => {
      if (!(event.target instanceof Node) || card.current?.contains(event.target) !== true) onClose();
    };
    document.addEventListener('scroll', close, options);
    return () => stop.abort();
  }, [onClose]);
  const work = async (what: string, start: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    try {
      await start();
      onClose();
    } catch (error) {
      tellError(error, what);
      setBusy(false);
    }
  };
  const { state, failed_transfer, transfers, replica } = copy;
  const lag_s = lagNow(copy, report_at_ms, now_ms.value);
  const can_send = image.newest !== '' && state !== 'in_sync';
  const sendNewest = (): Promise<unknown> =>
    send({ image: image.name, numbers: [image.newest], to: [replica] });
  return (
    <div
      ref={card}
      class="copy-card"
      popover="auto"
      role="dialog"
      aria-label={`${image.name} on ${replica}`}
      onToggle={(event) => {
        if (event.newState === 'closed') onClose();
      }}
    >
      <header>
        <div>
          <strong>{image.name}</strong> on <a href={replicaPath(replica)}>{replica}</a>
        </div>
        <StateBadge words={copyWords(state)} />
      </header>
      {copySentences(copy, image, lag_s, now_ms.value).map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {transfers.slice(0, 3).map((id) => (
        <RunningTransfer key={id} id={id} />
      ))}
      {failed_transfer === '' ? null : <FailedTransfer id={failed_transfer} />}
      <footer>
        {failed_transfer === '' ? null : (
          <Button
            kind={transfers.length === 0 ? 'primary' : 'plain'}
            icon="redo"
            is_busy={is_busy}
            onClick={() => void work('Run again', () => redrive(failed_transfer))}
          >
            Run again
          </Button>
        )}
        {can_send && transfers.length === 0 ? (
          <Button
            kind={failed_transfer === '' ? 'primary' : 'plain'}
            icon="arrow"
            is_busy={is_busy}
            onClick={() => void work('Send', sendNewest)}
          >
            Send newest ({image.newest})
          </Button>
        ) : null}
      </footer>
    </div>
  );
}
