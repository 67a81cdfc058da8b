import { useState } from 'preact/hooks';
import type { TransferReport } from '../../core/report.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { formatBytes } from '../ui/format.js';
import { keptBytes, lossWords } from './verb_words.js';

interface Props {
  readonly transfer: TransferReport;
  readonly is_busy: boolean;
  readonly onConfirm: (from_start: boolean) => void;
  readonly onClose: () => void;
}

/** Asks how it is to be run again, and says what that costs. */
export function RedriveDialog({ transfer, is_busy, onConfirm, onClose }: Props) {
  const [from_start, setFromStart] = useState(false);
  const kept = keptBytes(transfer);
  const on_words =
    kept === 0
      ? `${transfer.replica} is asked what it has of it; as far as is known here, that is nothing`
      : `${formatBytes(kept)} that are on the disk of ${transfer.replica} are not sent again`;
  return (
    <Dialog
      title={`Redrive ${transfer.id}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Leave it</Button>
          <Button
            kind={from_start ? 'danger' : 'primary'}
            is_busy={is_busy}
            onClick={() => onConfirm(from_start)}
          >
            {from_start ? 'Redrive from the start' : 'Redrive'}
          </Button>
        </>
      }
    >
      <fieldset class="choices">
        <legend class="visually-hidden">Where it begins</legend>
        <label class="choice">
          <input type="radio" name="from" checked={!from_start} onChange={() => setFromStart(false)} />
          <span>
            <strong>From its last checkpoint</strong>
            <span class="dim">{on_words}</span>
          </span>
        </label>
        <label class="choice">
          <input type="radio" name="from" checked={from_start} onChange={() => setFromStart(true)} />
          <span>
            <strong>From the start</strong>
            <span class="dim">
              {from_start ? lossWords(transfer) : 'what the replica has of it is thrown away'}
            </span>
          </span>
        </label>
      </fieldset>
    </Dialog>
  );
}
