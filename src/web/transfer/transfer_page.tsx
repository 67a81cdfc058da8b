import { useMemo } from 'preact/hooks';
import { imagePath, replicaPath, transfers_path } from '../routes.js';
import { ErrorBox, Loading } from '../ui/boxes.js';
import { PageHead } from '../ui/page_head.js';
import { DiagramView } from '../chart/diagram_view.js';
import { shownState, transferWords } from '../ui/state_words.js';
import { ContextView } from './context_view.js';
import { PastBanner } from './past_banner.js';
import { chartAt, stepsBefore } from './path_at.js';
import { Scrubber } from './scrubber.js';
import { Facts, StatusPanel } from './status_panel.js';
import { Timeline } from './timeline.js';
import { type UsedTransfer, type TransferView, useTransfer } from './use_transfer.js';
import { type Travel, useSteps, useTravel } from './use_travel.js';
import { Verbs } from './verbs.js';

interface Shown {
  readonly view: TransferView;
  readonly travel: Travel;
}

/** The live chart, and the way through its past. */
function ChartCard({ view, travel }: Shown) {
  const { diagram, events } = view;
  const before = useMemo(() => stepsBefore(diagram, events), [diagram, events[0]?.seq]);
  const now = useMemo(
    () => chartAt({ ...diagram, parked_reason: view.transfer.parked_reason }, before, events, null),
    [diagram, before, events, view.transfer.parked_reason],
  );
  const shown = useMemo(
    () => (travel.at === null ? now : chartAt(diagram, before, events, travel.at)),
    [now, travel.at],
  );
  const { tone } = transferWords(travel.at === null ? shownState(view.transfer) : shown.diagram.state);
  return (
    <section
      class={`card chart-card tone-${tone} ${travel.at === null ? '' : 'is-past'}`}
      aria-labelledby="chart-title"
    >
      <DiagramView
        diagram={shown.diagram}
        whole={now.diagram}
        last_way={shown.last_way}
        is_past={travel.at !== null}
        onKey={travel.pressKey}
        label="Chart of the states of the transfer; the arrow keys go through the past"
        head={
          <>
            {' '}
            <h2 id="chart-title">{travel.at === null ? 'Where it is' : 'Where it was'}</h2>
            <p class="dim chart-legend">
              <span class="legend-now">here</span>
              <span class="legend-taken">taken, with how often</span>
              <span class="legend-open">not taken</span>
            </p>
          </>
        }
      />
      <Scrubber travel={travel} events={events} />
    </section>
  );
}

function Knowledge({ view, travel }: Shown) {
  const last_seq = view.events.at(-1)?.seq ?? 0;
  const steps = useSteps(view.transfer.id, travel.at, last_seq, view.events.length);
  if (travel.at === null) return null;
  return (
    <section class="card knowledge" aria-labelledby="knowledge-title">
      <header class="card-head">
        <h2 id="knowledge-title">What it knew after event {travel.at}</h2>
      </header>
      <div class="knowledge-body">
        <ContextView steps={steps} />
      </div>
    </section>
  );
}

function Loaded({ view, used }: { view: TransferView; used: UsedTransfer }) {
  const travel = useTravel(view.events);
  const { transfer } = view;
  return (
    <>
      <PageHead
        title={`${transfer.image} ${transfer.number} → ${transfer.replica}`}
        document_title={`${transfer.id} ${transfer.state}`}
        actions={<Verbs transfer={transfer} at_seq={travel.at} onDone={used.learn} />}
      >
        <a href={transfers_path}>Transfers</a>
        <span class="mono">{transfer.id}</span>
        <span>
          from {transfer.master === '' ? 'here' : transfer.master}, image{' '}
          <a href={imagePath(transfer.image)}>{transfer.image}</a>, to{' '}
          <a href={replicaPath(transfer.replica)}>{transfer.replica}</a>
        </span>
      </PageHead>
      <PastBanner travel={travel} />
      <div class={`transfer ${travel.at === null ? '' : 'is-past'}`}>
        <div class="transfer-now">
          <StatusPanel transfer={transfer} is_past={travel.at !== null} />
          <Facts transfer={transfer} />
        </div>
        <ChartCard view={view} travel={travel} />
        <Knowledge view={view} travel={travel} />
        <Timeline view={view} travel={travel} loadOlder={used.loadOlder} />
      </div>
    </>
  );
}

/** @param id whole, or its number alone */
export function TransferPage({ id }: { id: string }) {
  const used = useTransfer(id);
  const { data, error, reload } = used;
  return (
    <>
      {data === undefined ? <PageHead title={`Transfer ${id}`} /> : null}
      {error === null ? null : (
        <ErrorBox error={error} title="The transfer could not be read" onRetry={reload} />
      )}
      {data === undefined && error === null ? <Loading what="the transfer" rows={10} /> : null}
      {data === undefined ? null : <Loaded view={data} used={used} />}
    </>
  );
}
