import type { ComponentChildren } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { FleetReport } from '../../core/fleet_report.js';
import type { DiagramReport } from '../../core/machine_report.js';
import type { ReplicaHistoryReport, ReplicaReport, TransferReport } from '../../core/report.js';
import { get, part } from '../api.js';
import { DiagramView } from '../chart/diagram_view.js';
import { onEventsOf, onLive } from '../live.js';
import { useResource } from '../resource.js';
import { replicas_path } from '../routes.js';
import { CopyTable } from '../image/copy_table.js';
import { TransferTable } from '../image/transfer_table.js';
import { ErrorBox, Loading } from '../ui/boxes.js';
import { formatDuration } from '../ui/format.js';
import { PageHead } from '../ui/page_head.js';
import { StateBadge } from '../ui/state_badge.js';
import { replicaWords } from '../ui/state_words.js';
import { FullTime, Time } from '../ui/time.js';
import { KeepAliveHistory } from './keep_alive.js';
import { Throughput } from './throughput.js';
import { useReloads, withChanged } from './use_replicas.js';

const transfers_shown = 20;

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function answerWords({ round_trip_ms, missed, is_connected }: ReplicaReport): string {
  if (!is_connected) return 'its link is down';
  if (missed > 0) return `${missed} in a row had no answer`;
  return round_trip_ms === null
    ? 'none was answered yet'
    : `answered in ${formatDuration(round_trip_ms / 1_000)}`;
}

function Facts({ replica }: { replica: ReplicaReport }) {
  const { address, linked_at_ms, last_answer_at_ms, btrfs_progs, kernel, codecs } = replica;
  return (
    <section class="card facts" aria-label="Facts">
      <dl>
        <Fact name="Keep-alives">
          {answerWords(replica)}
          {last_answer_at_ms === null ? null : (
            <span class="dim">
              , last <Time at_ms={last_answer_at_ms} />
            </span>
          )}
        </Fact>
        <Fact name="Link">
          {linked_at_ms === null ? (
            'down'
          ) : (
            <>
              up since <FullTime at_ms={linked_at_ms} />
            </>
          )}
        </Fact>
        <Fact name="Transfers">
          {replica.transfers_running} running, {replica.transfers_waiting} waiting
        </Fact>
        {address === '' ? null : (
          <Fact name="Address">
            <span class="mono">{address}</span>
          </Fact>
        )}
        {btrfs_progs === '' ? null : <Fact name="btrfs-progs">{btrfs_progs}</Fact>}
        {kernel === '' ? null : <Fact name="Kernel">{kernel}</Fact>}
        {codecs.length === 0 ? null : <Fact name="Codecs">{codecs.join(', ')}</Fact>}
      </dl>
    </section>
  );
}

function useReplica(name: string) {
  const history = useResource(`replica ${name}`, (until) =>
    get<ReplicaHistoryReport>(`replicas/${part(name)}/history`, { changes: true }, until),
  );
  const diagram = useResource(`replica diagram ${name}`, (until) =>
    get<DiagramReport>(`replicas/${part(name)}/diagram`, {}, until),
  );
  const whole_name = history.data?.replica.name ?? name;
  const { change } = history;
  const { reload } = diagram;
  useEffect(() => {
    const stops = [
      onLive('replicas', (changed) => {
        const replica = changed.find((candidate) => candidate.name === whole_name);
        if (replica !== undefined) change((old) => ({ ...old, replica }));
      }),
      onEventsOf({ kind: 'replica', id: whole_name }, (event) => {
        const is_change =
          event.handled && (event.state !== event.state_before || event.event.type === 'link.up');
        if (!is_change) return;
        change((old) =>
          (old.events.at(-1)?.seq ?? 0) >= event.seq ? old : { ...old, events: [...old.events, event] },
        );
        reload();
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [whole_name, change, reload]);
  return { history, diagram };
}

function Copies({ name }: { name: string }) {
  const { data, error, reload } = useResource(`copies of ${name}`, (until) =>
    get<FleetReport>('fleet', {}, until),
  );
  useReloads(reload);
  const copies = useMemo(() => data?.copies.filter(({ replica }) => replica === name), [data, name]);
  return (
    <section class="card block" aria-labelledby="copies-title">
      <header class="card-head">
        <h2 id="copies-title">Its copies</h2>
      </header>
      {error === null ? null : <ErrorBox error={error} onRetry={reload} />}
      {copies === undefined ? (
        <Loading what="its copies" rows={3} />
      ) : (
        <CopyTable copies={copies} by="image" />
      )}
    </section>
  );
}

function Transfers({ name }: { name: string }) {
  const query = { replica: name, sort: 'updated', direction: 'down', limit: transfers_shown };
  const { data, error, reload, change } = useResource(`transfers to ${name}`, (until) =>
    get<TransferReport[]>('transfers', query, until),
  );
  useEffect(
    () =>
      onLive('transfers', (changed) => {
        const own = changed.filter(({ replica }) => replica === name);
        if (own.length > 0) change((all) => newestFirst(withChanged(all, own, ({ id }) => id)));
      }),
    [name, change],
  );
  return (
    <section class="card block" aria-labelledby="transfers-title">
      <header class="card-head">
        <h2 id="transfers-title">Its transfers</h2>
        <a href={`/transfers?replica=${encodeURIComponent(name)}`}>All of them</a>
      </header>
      {error === null ? null : <ErrorBox error={error} onRetry={reload} />}
      {data === undefined ? (
        <Loading what="its transfers" rows={4} />
      ) : (
        <TransferTable transfers={data} has_replica={false} />
      )}
    </section>
  );
}

function newestFirst(transfers: readonly TransferReport[]): TransferReport[] {
  return transfers
    .toSorted((one, other) => other.updated_at_ms - one.updated_at_ms)
    .slice(0, transfers_shown);
}

/** @param name or number of a replica */
export function ReplicaPage({ name }: { name: string }) {
  const { history, diagram } = useReplica(name);
  const { data, error, reload } = history;
  if (data === undefined) {
    return (
      <>
        <PageHead title={name} />
        {error === null ? (
          <Loading what="the replica" rows={10} />
        ) : (
          <ErrorBox error={error} title="The replica could not be read" onRetry={reload} />
        )}
      </>
    );
  }
  const { replica, events, omitted } = data;
  const words = replicaWords(replica.state);
  return (
    <>
      <PageHead title={replica.name}>
        <a href={replicas_path}>Replicas</a>
        <span>number {replica.node_id}</span>
        <StateBadge words={words} />
        <span>
          {replica.reason === '' ? replica.state_description : replica.reason}
          {replica.changed_at_ms === null ? null : (
            <span class="dim">
              {' '}
              (<Time at_ms={replica.changed_at_ms} />)
            </span>
          )}
        </span>
      </PageHead>
      {error === null ? null : <ErrorBox error={error} onRetry={reload} />}
      <div class="replica">
        <div class="replica-side">
          <Facts replica={replica} />
          <section class={`card block chart-card tone-${words.tone}`} aria-labelledby="replica-chart-title">
            {diagram.data === undefined ? null : (
              <DiagramView
                diagram={diagram.data}
                label="Chart of the states of the replica"
                head={<h2 id="replica-chart-title">Where it is</h2>}
              />
            )}
          </section>
        </div>
        <div class="replica-main">
          <KeepAliveHistory events={events} omitted={omitted} />
          <Throughput name={replica.name} />
          <Copies name={replica.name} />
          <Transfers name={replica.name} />
        </div>
      </div>
    </>
  );
}
