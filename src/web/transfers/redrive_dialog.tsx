import { useState } from 'preact/hooks';
import { IcbdError } from '../../core/errors.js';
import type { BulkRedriveRequest, RedriveReport } from '../../core/verbs.js';
import { post } from '../api.js';
import { now_ms } from '../clock.js';
import { useResource } from '../resource.js';
import { ErrorBox, Loading } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { formatDuration, formatNumberOf, formatRelative } from '../ui/format.js';
import { transferWords } from '../ui/state_words.js';
import { showToast } from '../ui/toasts.js';

interface Props {
  readonly states: readonly string[];
  /** Empty: of all. */
  readonly image: string;
  readonly replica: string;
  readonly onClose: () => void;
}

const rates = [10, 60, 300, 3_000];
const default_rate = 60;
const shown_most = 6;

/** Runs many again, spread over time; it shows first what it would do. */
export function RedriveDialog({ states, image, replica, onClose }: Props) {
  const [per_minute, setRate] = useState(default_rate);
  const [from_start, setFromStart] = useState(false);
  const [error, setError] = useState<IcbdError | null>(null);
  const [is_busy, setBusy] = useState(false);
  const request: BulkRedriveRequest = {
    states,
    ...(image === '' ? {} : { image }),
    ...(replica === '' ? {} : { replica }),
    from_start,
    per_minute,
  };
  const plan = useResource(JSON.stringify(request), () =>
    post<RedriveReport[]>('redrive', { ...request, dry_run: true }),
  );
  const would = plan.data?.filter(({ result }) => result !== 'refused') ?? [];
  const refused = (plan.data?.length ?? 0) - would.length;
  const run = async (): Promise<void> => {
    setBusy(true);
    try {
      const done = await post<RedriveReport[]>('redrive', request);
      const count = done.filter(({ result }) => result === 'redriven').length;
      showToast('good', `${formatNumberOf(count, 'transfer')} will run again`);
      onClose();
    } catch (thrown) {
      setError(IcbdError.from(thrown, 'redrive'));
      setBusy(false);
    }
  };
  const words = states.map((state) => transferWords(state).word).join(', ');
  const where = `${image === '' ? '' : ` of ${image}`}${replica === '' ? '' : ` to ${replica}`}`;
  return (
    <Dialog
      title={`Run all ${words} transfers${where} again`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Leave them</Button>
          <Button
            kind="primary"
            icon="redo"
            is_busy={is_busy}
            refusal={would.length === 0 ? 'There is nothing to run again' : ''}
            onClick={() => void run()}
          >
            Run {formatNumberOf(would.length, 'transfer')} again
          </Button>
        </>
      }
    >
      <label class="field">
        <span>How fast</span>
        <select value={per_minute} onChange={(event) => setRate(Number(event.currentTarget.value))}>
          {rates.map((rate) => (
            <option key={rate} value={rate}>
              {rate} begin in a minute
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={from_start}
          onChange={(event) => setFromStart(event.currentTarget.checked)}
        />
        <span>
          From the start: what the replicas have of them is thrown away. Otherwise each goes on at its last
          checkpoint.
        </span>
      </label>
      {plan.data === undefined && plan.error === null ? <Loading what="what would be done" rows={3} /> : null}
      {plan.error === null ? null : <ErrorBox error={plan.error} onRetry={plan.reload} />}
      {plan.data === undefined ? null : (
        <PlanSummary would={would} refused={refused} per_minute={per_minute} />
      )}
      {error === null ? null : <ErrorBox error={error} title="That did not work" />}
    </Dialog>
  );
}

interface PlanProps {
  readonly would: readonly RedriveReport[];
  readonly refused: number;
  readonly per_minute: number;
}

function PlanSummary({ would, refused, per_minute }: PlanProps) {
  const took_s = ((would.length - 1) / per_minute) * 60;
  return (
    <div class="plan">
      <p>
        {formatNumberOf(would.length, 'transfer')} would run again
        {took_s > 1 ? `, the last one to begin in ${formatDuration(took_s)}` : ''}.
        {refused === 0 ? '' : ` ${formatNumberOf(refused, 'transfer')} would be refused.`}
      </p>
      <ul>
        {would.slice(0, shown_most).map(({ transfer, image, number, replica, starts_at_ms }) => (
          <li key={transfer}>
            <span class="mono">{transfer}</span>{' '}
            <span class="truncate">
              {image} {number} to {replica}
            </span>{' '}
            <span class="dim">{formatRelative(starts_at_ms, now_ms.value)}</span>
          </li>
        ))}
        {would.length > shown_most ? <li class="dim">and {would.length - shown_most} more</li> : null}
      </ul>
    </div>
  );
}
