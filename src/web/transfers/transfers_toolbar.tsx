import { useState } from 'preact/hooks';
import type { TransferReport } from '../../core/report.js';
import { Button } from '../ui/button.js';
import { formatCount, formatNumberOf } from '../ui/format.js';
import { SearchField } from '../ui/search_field.js';
import { transferWords } from '../ui/state_words.js';
import { type ListFilter, redrivenStates, totalOf } from './list_model.js';
import { NameField } from './name_field.js';
import { redriveAll } from './redrive_selected.js';
import type { Names } from './use_names.js';
import type { TransferList } from './use_transfers.js';

export type Selection = ReadonlyMap<string, TransferReport>;

interface Props {
  readonly filter: ListFilter;
  readonly setFilter: (change: Partial<ListFilter>) => void;
  readonly list: TransferList;
  readonly names: Names;
  readonly selected: Selection;
  readonly onSelectNone: () => void;
  readonly onRedriveAll: () => void;
}

/** What the list is filtered by, and what can be done with many of it at once. */
export function TransfersToolbar(props: Props) {
  const { filter, setFilter, list, names, selected, onSelectNone, onRedriveAll } = props;
  const [is_busy, setBusy] = useState(false);
  const runSelected = async (): Promise<void> => {
    setBusy(true);
    await redriveAll([...selected.keys()]);
    setBusy(false);
    onSelectNone();
  };
  const redriven = redrivenStates(filter);
  const counted = totalOf(list.counts, redriven);
  const words = redriven.map((state) => transferWords(state).word).join(' or ');
  const refusal =
    filter.text === '' ? '' : 'Empty the search field first: this works by state, image and replica';
  return (
    <div class="toolbar transfers-toolbar">
      <SearchField
        value={filter.text}
        label="Id, image, snapshot or replica"
        onChange={(text) => setFilter({ text })}
      />
      <NameField
        label="Image"
        value={filter.image}
        names={names.images}
        onChange={(image) => setFilter({ image })}
      />
      <NameField
        label="Replica"
        value={filter.replica}
        names={names.replicas}
        onChange={(replica) => setFilter({ replica })}
      />
      {selected.size > 0 ? (
        <>
          <Button kind="primary" icon="redo" is_busy={is_busy} onClick={() => void runSelected()}>
            Run {formatNumberOf(selected.size, 'transfer')} again
          </Button>
          <Button kind="quiet" onClick={onSelectNone}>
            Select none
          </Button>
        </>
      ) : redriven.length > 0 && counted > 0 ? (
        <Button icon="redo" refusal={refusal} onClick={onRedriveAll}>
          Run all {formatCount(counted)} {words} again…
        </Button>
      ) : null}
      {list.moved === 0 ? null : (
        <Button kind="quiet" icon="redo" onClick={list.refresh} title="Loads the list again (u)">
          {formatNumberOf(list.moved, 'change')}, show
        </Button>
      )}
      <span class="toolbar-count" role="status">
        {list.total === undefined ? '' : formatNumberOf(list.total, 'transfer')}
      </span>
    </div>
  );
}
