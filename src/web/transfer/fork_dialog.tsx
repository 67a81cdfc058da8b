import { useId, useState } from 'preact/hooks';
import { codec_names } from '../../core/codecs.js';
import { IcbdError } from '../../core/errors.js';
import type { ReplicaReport, SnapshotReport, TransferReport } from '../../core/report.js';
import { get, part, post } from '../api.js';
import { useResource } from '../resource.js';
import { navigate } from '../router.js';
import { transferPath } from '../routes.js';
import { ErrorBox } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { replicaWords } from '../ui/state_words.js';
import { showToast } from '../ui/toasts.js';
import { type ForkChoices, forkRequest } from './fork_request.js';

interface Props {
  readonly transfer: TransferReport;
  /** The event whose plan is taken; null: the last. */
  readonly at_seq: number | null;
  readonly onClose: () => void;
}

/** What there is to choose from; both lists may be missing. */
function useOffers({ image, number }: TransferReport) {
  const replicas = useResource('fork replicas', (until) => get<ReplicaReport[]>('replicas', {}, until));
  const snapshots = useResource(`fork snapshots ${image}`, (until) =>
    get<SnapshotReport[]>(`images/${part(image)}/snapshots`, {}, until),
  );
  const parents = (snapshots.data ?? [])
    .map((snapshot) => snapshot.number)
    .filter((other) => other !== number);
  return { replicas: replicas.data ?? [], parents: parents.toReversed() };
}

/** A new transfer out of the plan of this one. */
export function ForkDialog({ transfer, at_seq, onClose }: Props) {
  const [choices, setChoices] = useState<ForkChoices>({ codec: '', parent: '', to: '' });
  const [is_busy, setBusy] = useState(false);
  const [error, setError] = useState<IcbdError | null>(null);
  const { replicas, parents } = useOffers(transfer);
  const form_id = useId();
  const choose =
    (name: keyof ForkChoices) => (event: Event & { readonly currentTarget: HTMLSelectElement }) =>
      setChoices({ ...choices, [name]: event.currentTarget.value });
  const fork = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const made = await post<TransferReport>(
        `transfers/${part(transfer.id)}/fork`,
        forkRequest(choices, at_seq),
      );
      onClose();
      showToast('good', `Transfer ${made.id} was made.`);
      navigate(transferPath(made.id));
    } catch (thrown) {
      setError(IcbdError.from(thrown, 'fork', transfer.id));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Fork ${transfer.id}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Leave it</Button>
          <Button kind="primary" type="submit" form={form_id} is_busy={is_busy}>
            Make the transfer
          </Button>
        </>
      }
    >
      <form
        id={form_id}
        class="fork"
        onSubmit={(event) => {
          event.preventDefault();
          void fork();
        }}
      >
        <p>
          A new transfer of {transfer.image} {transfer.number}, with the plan that this one had
          {at_seq === null ? '' : ` after its event ${at_seq}`}. This one stays as it is.
        </p>
        <label class="field">
          <span>To</span>
          <select value={choices.to} onChange={choose('to')}>
            <option value="">{transfer.replica}, as it was</option>
            {replicas
              .filter(({ name }) => name !== transfer.replica)
              .map(({ name, state }) => (
                <option key={name} value={name}>
                  {name}, {replicaWords(state).word}
                </option>
              ))}
          </select>
        </label>
        <label class="field">
          <span>Parent</span>
          <select value={choices.parent} onChange={choose('parent')}>
            <option value="">
              {transfer.parent === null ? 'as in the plan' : `${transfer.parent}, as in the plan`}
            </option>
            <option value="auto">choose anew, by what both sides have</option>
            <option value="none">none: send it in full</option>
            {parents.map((number) => (
              <option key={number} value={number}>
                {number}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Codec</span>
          <select value={choices.codec} onChange={choose('codec')}>
            <option value="">
              {transfer.codec === null ? 'as in the plan' : `${transfer.codec}, as in the plan`}
            </option>
            {codec_names.map((codec) => (
              <option key={codec} value={codec}>
                {codec}
              </option>
            ))}
          </select>
        </label>
        {error === null ? null : <ErrorBox error={error} title="The fork was refused" />}
      </form>
    </Dialog>
  );
}
