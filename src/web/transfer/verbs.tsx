import { useState } from 'preact/hooks';
import { IcbdError } from '../../core/errors.js';
import type { TransferReport } from '../../core/report.js';
import type { Verb } from '../../core/verbs.js';
import { apiPath, part, post } from '../api.js';
import { ErrorBox } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { Confirm } from '../ui/dialog.js';
import { shownState, transferWords } from '../ui/state_words.js';
import { showToast } from '../ui/toasts.js';
import { ForkDialog } from './fork_dialog.js';
import { RedriveDialog } from './redrive_dialog.js';
import { inOrder, lossWords, mainVerb, verb_words } from './verb_words.js';

interface Props {
  readonly transfer: TransferReport;
  /** The event that somebody looks at, for a fork; null: the last. */
  readonly at_seq: number | null;
  readonly onDone: (transfer: TransferReport) => void;
}

/** These ask before they do something. */
const asking = new Set<Verb>(['redrive', 'fork', 'cancel']);

function useVerb({ transfer, onDone }: Props) {
  const [busy, setBusy] = useState<Verb | null>(null);
  const [asked, setAsked] = useState<Verb | null>(null);
  const [error, setError] = useState<{ verb: Verb; error: IcbdError } | null>(null);
  const run = async (verb: Verb, body: unknown = {}): Promise<void> => {
    setBusy(verb);
    setError(null);
    try {
      const after = await post<TransferReport>(`transfers/${part(transfer.id)}/${verb}`, body);
      onDone(after);
      showToast('good', `Transfer ${after.id} is ${transferWords(shownState(after)).word} now.`);
    } catch (thrown) {
      setError({ verb, error: IcbdError.from(thrown, verb, transfer.id) });
    }
    setBusy(null);
    setAsked(null);
  };
  return { busy, asked, setAsked, error, setError, run };
}

function CancelDialog({
  transfer,
  is_busy,
  onConfirm,
  onClose,
}: {
  transfer: TransferReport;
  is_busy: boolean;
  onConfirm: () => void;
  onClose: () => void;
}) {
  return (
    <Confirm
      title={`Cancel ${transfer.id}?`}
      action="Cancel the transfer"
      is_danger
      is_busy={is_busy}
      onConfirm={onConfirm}
      onClose={onClose}
    >
      <p>
        The transfer of{' '}
        <strong>
          {transfer.image} {transfer.number}
        </strong>{' '}
        to <strong>{transfer.replica}</strong> ends.
      </p>
      <p>{lossWords(transfer)}</p>
      <p class="dim">
        The snapshot on this master and the older ones on the replica stay. It can be redriven later, from the
        start.
      </p>
    </Confirm>
  );
}

/** What can be done with it now, with what cannot and why. */
export function Verbs(props: Props) {
  const { transfer, at_seq } = props;
  const { busy, asked, setAsked, error, setError, run } = useVerb(props);
  const main = mainVerb(transfer.verbs);
  const close = (): void => setAsked(null);
  return (
    <div class="verbs">
      <div class="verb-buttons" role="group" aria-label="What can be done">
        {inOrder(transfer.verbs).map(({ verb, is_allowed, reason }) => (
          <Button
            key={verb}
            kind={verb === main ? 'primary' : 'plain'}
            title={verb_words[verb].title}
            refusal={is_allowed ? '' : reason}
            is_busy={busy === verb}
            onClick={() => (asking.has(verb) ? setAsked(verb) : void run(verb))}
          >
            {verb_words[verb].label}
          </Button>
        ))}
        <a
          class="button"
          href={apiPath(`transfers/${part(transfer.id)}/export`)}
          download={`transfer-${transfer.id}.json`}
          title="One file with all of its history, for icbdrep view"
        >
          Export
        </a>
      </div>
      {error === null ? null : (
        <div class="verb-error">
          <ErrorBox
            error={error.error}
            title={`${verb_words[error.verb].label.replace('…', '')} was refused`}
          />
          <Button kind="quiet" icon="close" label="Dismiss" onClick={() => setError(null)} />
        </div>
      )}
      {asked === 'cancel' ? (
        <CancelDialog
          transfer={transfer}
          is_busy={busy === 'cancel'}
          onConfirm={() => void run('cancel')}
          onClose={close}
        />
      ) : null}
      {asked === 'redrive' ? (
        <RedriveDialog
          transfer={transfer}
          is_busy={busy === 'redrive'}
          onClose={close}
          onConfirm={(from_start) => void run('redrive', from_start ? { from_start } : {})}
        />
      ) : null}
      {asked === 'fork' ? <ForkDialog transfer={transfer} at_seq={at_seq} onClose={close} /> : null}
    </div>
  );
}
