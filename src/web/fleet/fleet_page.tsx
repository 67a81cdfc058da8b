import { useCallback, useMemo, useState } from 'preact/hooks';
import { search, setSearch } from '../router.js';
import { StartDialog } from '../transfers/start_dialog.js';
import { EmptyState, ErrorBox, Loading } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { formatNumberOf } from '../ui/format.js';
import { useKeys } from '../ui/keys.js';
import { is_narrow } from '../ui/media.js';
import { PageHead } from '../ui/page_head.js';
import { SearchField } from '../ui/search_field.js';
import { CopyCard } from './copy_card.js';
import { FleetList } from './fleet_list.js';
import { type FleetFilter, gridOf, readFleetFilter, summarise, writeFleetFilter } from './fleet_model.js';
import { Matrix, roomy_columns_max } from './matrix.js';
import { Summary } from './summary.js';
import { useFleet } from './use_fleet.js';

interface Picked {
  readonly replica: string;
  readonly image: string;
  readonly anchor: HTMLElement;
}

/** Whatever was changed meanwhile stays changed. */
function setFilter(change: Partial<FleetFilter>): void {
  setSearch(writeFleetFilter({ ...readFleetFilter(search.peek()), ...change }));
}

function toggle(state: string): void {
  const { states } = readFleetFilter(search.peek());
  setFilter({ states: states.includes(state) ? states.filter((one) => one !== state) : [...states, state] });
}

export function FleetPage() {
  const { data: report, error, index, reload } = useFleet();
  const filter = useMemo(() => readFleetFilter(search.value), [search.value]);
  const [picked, setPicked] = useState<Picked | null>(null);
  const [is_starting, setStarting] = useState(false);
  useKeys({ s: () => setStarting(true) });
  const summary = useMemo(() => (report === undefined ? undefined : summarise(report)), [report]);
  // The order stays while copies change: rows must not leave from under the pointer.
  const fleet_key = report?.replicas.map(({ name, state }) => name + state).join() ?? '';
  const images = report?.images;
  const grid = useMemo(
    () => (report === undefined ? undefined : gridOf(report, index, filter)),
    [fleet_key, JSON.stringify(images), filter, filter.states.length > 0 ? index : null],
  );
  const close = useCallback(() => setPicked(null), []);
  const pick = useCallback((replica: string, image: string, anchor: HTMLElement) => {
    setPicked({ replica, image, anchor });
  }, []);
  const copy = picked === null ? undefined : index.get(picked.replica)?.get(picked.image);
  const image = images?.find(({ name }) => name === picked?.image);
  return (
    <div class="fill">
      <PageHead
        title="Fleet"
        actions={
          <Button kind="primary" icon="plus" onClick={() => setStarting(true)}>
            Start a transfer
          </Button>
        }
      >
        {report === undefined ? null : (
          <span>
            {formatNumberOf(report.images.length, 'image')} on{' '}
            {formatNumberOf(report.replicas.length, 'replica')}
          </span>
        )}
      </PageHead>
      {error === null ? null : (
        <ErrorBox error={error} title="The fleet could not be loaded" onRetry={reload} />
      )}
      {report === undefined && error === null ? <Loading what="the fleet" rows={10} /> : null}
      {report === undefined || summary === undefined || grid === undefined ? null : (
        <>
          <Summary
            {...{ summary, report }}
            states={filter.states}
            onToggle={toggle}
            onPick={(slowest, anchor) => pick(slowest.replica, slowest.image, anchor)}
          />
          <div class="toolbar">
            <SearchField
              value={filter.text}
              label="Replica or image"
              onChange={(text) => setFilter({ text })}
            />
            <div class="segmented" role="group" aria-label="Order">
              <Button
                is_small
                is_pressed={filter.order === 'name'}
                onClick={() => setFilter({ order: 'name' })}
              >
                By name
              </Button>
              <Button
                is_small
                is_pressed={filter.order === 'worst'}
                onClick={() => setFilter({ order: 'worst' })}
              >
                Worst first
              </Button>
            </div>
            {filter.text === '' && filter.states.length === 0 ? null : (
              <Button kind="quiet" is_small onClick={() => setFilter({ text: '', states: [] })}>
                Show all
              </Button>
            )}
            {grid.images.length <= roomy_columns_max || is_narrow.value ? null : (
              <span class="dim toolbar-legend">3 · 2 h: three snapshots and two hours behind</span>
            )}
            <span class="toolbar-count" role="status">
              {grid.replicas.length === report.replicas.length
                ? ''
                : `${grid.replicas.length} of ${formatNumberOf(report.replicas.length, 'replica')}`}
            </span>
          </div>
          {report.replicas.length === 0 || report.images.length === 0 ? (
            <NothingYet has_replicas={report.replicas.length > 0} />
          ) : grid.replicas.length === 0 || grid.images.length === 0 ? (
            <EmptyState title="Nothing fits the filter">
              <Button onClick={() => setFilter({ text: '', states: [] })}>Show all</Button>
            </EmptyState>
          ) : is_narrow.value ? (
            <FleetList
              {...{ grid, index }}
              report_at_ms={report.at_ms}
              states={filter.states}
              onPick={pick}
            />
          ) : (
            <Matrix {...{ grid, index, filter }} report_at_ms={report.at_ms} onPick={pick} />
          )}
          {picked === null || copy === undefined || image === undefined ? null : (
            <CopyCard
              key={`${picked.replica}/${picked.image}`}
              {...{ copy, image }}
              anchor={picked.anchor}
              report_at_ms={report.at_ms}
              onClose={close}
            />
          )}
        </>
      )}
      {is_starting ? <StartDialog onClose={() => setStarting(false)} /> : null}
    </div>
  );
}

function NothingYet({ has_replicas }: { has_replicas: boolean }) {
  return has_replicas ? (
    <EmptyState title="No images yet">
      <p>
        Add one on the master: <code>icbdrep image add NAME</code>
      </p>
    </EmptyState>
  ) : (
    <EmptyState title="No replicas yet">
      <p>
        Each replica has a table <code>[[replicas]]</code> in the configuration of the master.
      </p>
    </EmptyState>
  );
}
