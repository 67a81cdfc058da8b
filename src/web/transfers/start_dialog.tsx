import { useId, useState } from 'preact/hooks';
import { codec_names, isCodec } from '../../core/codecs.js';
import { IcbdError } from '../../core/errors.js';
import type { ImageReport, ReplicaReport, SnapshotReport } from '../../core/report.js';
import { send } from '../actions.js';
import { get, part } from '../api.js';
import { now_ms } from '../clock.js';
import { useResource } from '../resource.js';
import { navigate } from '../router.js';
import { transferPath, transfers_path } from '../routes.js';
import { ErrorBox } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { formatNumberOf, formatRelative } from '../ui/format.js';
import { StateBadge } from '../ui/state_badge.js';
import { replicaWords } from '../ui/state_words.js';

interface Props {
  /** What is chosen at first. */
  readonly image?: string;
  readonly number?: string;
  readonly to?: readonly string[];
  readonly onClose: () => void;
}

/** Names of replicas are filtered when there are more than fit. */
const filtered_from = 10;

/** Asks what goes where, and starts it. */
export function StartDialog({ image: first_image = '', number: first_number = '', to = [], onClose }: Props) {
  const images = useResource('images', (until) => get<ImageReport[]>('images', {}, until));
  const replicas = useResource('replicas', (until) => get<ReplicaReport[]>('replicas', {}, until));
  const [image_chosen, setImage] = useState(first_image);
  const image = image_chosen === '' ? (images.data?.[0]?.name ?? '') : image_chosen;
  const snapshots = useResource(`snapshots of ${image}`, async (until) => {
    if (image === '') return [];
    const list = await get<SnapshotReport[]>(`images/${part(image)}/snapshots`, {}, until);
    return list.toReversed();
  });
  const [number_chosen, setNumber] = useState(first_number);
  const is_there = snapshots.data?.some((snapshot) => snapshot.number === number_chosen) === true;
  const number = is_there ? number_chosen : (snapshots.data?.[0]?.number ?? '');
  const [chosen, setChosen] = useState<readonly string[]>(to);
  const [codec, setCodec] = useState('');
  const [error, setError] = useState<IcbdError | null>(null);
  const [is_busy, setBusy] = useState(false);
  const form = useId();
  const submit = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const codec_part = isCodec(codec) ? { codec } : {};
      const made = await send({ image, numbers: [number], to: chosen, ...codec_part });
      const [only] = made;
      onClose();
      navigate(made.length === 1 && only !== undefined ? transferPath(only.id) : transfers_path);
    } catch (thrown) {
      setError(IcbdError.from(thrown, 'send'));
      setBusy(false);
    }
  };
  const load_error = images.error ?? replicas.error ?? snapshots.error;
  return (
    <Dialog
      title="Start a transfer"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button
            kind="primary"
            type="submit"
            form={form}
            is_busy={is_busy}
            refusal={refusalOf(image, number, chosen)}
          >
            {chosen.length > 1 ? `Send to ${formatNumberOf(chosen.length, 'replica')}` : 'Send'}
          </Button>
        </>
      }
    >
      <form
        id={form}
        class="start-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label class="field">
          <span>Image</span>
          <select value={image} onChange={(event) => setImage(event.currentTarget.value)}>
            {images.data?.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Snapshot</span>
          <select value={number} onChange={(event) => setNumber(event.currentTarget.value)}>
            {snapshots.data?.map((snapshot, index) => (
              <option key={snapshot.number} value={snapshot.number}>
                {`${snapshot.number} · ${formatRelative(snapshot.created_at_ms, now_ms.peek())}${index === 0 ? ' (newest)' : ''}`}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Compression on the way</span>
          <select value={codec} onChange={(event) => setCodec(event.currentTarget.value)}>
            <option value="">as the image has it</option>
            {codec_names.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <ReplicaChoice replicas={replicas.data ?? []} chosen={chosen} onChange={setChosen} />
      </form>
      {load_error === null ? null : <ErrorBox error={load_error} />}
      {error === null ? null : <ErrorBox error={error} title="It was not started" />}
    </Dialog>
  );
}

function refusalOf(image: string, number: string, chosen: readonly string[]): string {
  if (image === '') return 'There is no image yet';
  if (number === '') return 'The image has no snapshot yet';
  return chosen.length === 0 ? 'Choose at least one replica' : '';
}

interface ChoiceProps {
  readonly replicas: readonly ReplicaReport[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}

function ReplicaChoice({ replicas, chosen, onChange }: ChoiceProps) {
  const [text, setText] = useState('');
  const shown = replicas.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
  const has_all = shown.length > 0 && shown.every(({ name }) => chosen.includes(name));
  const toggleAll = (): void => {
    const names = shown.map(({ name }) => name);
    const others = chosen.filter((name) => !names.includes(name));
    onChange(has_all ? others : [...others, ...names]);
  };
  return (
    <fieldset class="replica-choice">
      <legend class="legend">To</legend>
      {replicas.length < filtered_from ? null : (
        <input
          class="input"
          type="search"
          aria-label="Filter replicas"
          placeholder={`filter ${replicas.length} replicas`}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      )}
      {shown.length < 2 ? null : (
        <label class="check check-all">
          <input type="checkbox" checked={has_all} onChange={toggleAll} />
          <span>{text === '' ? 'All replicas' : `All ${shown.length} that fit`}</span>
        </label>
      )}
      <div class="replica-options">
        {shown.map(({ name, state }) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={() =>
                onChange(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name])
              }
            />
            <span class="truncate">{name}</span>
            {state === 'online' ? null : <StateBadge words={replicaWords(state)} is_plain />}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
