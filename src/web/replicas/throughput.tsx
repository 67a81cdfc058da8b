import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ThroughputReport } from '../../core/fleet_report.js';
import { get, part } from '../api.js';
import { now_ms } from '../clock.js';
import { useResource } from '../resource.js';
import { ErrorBox, Loading } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { formatBytes, formatRate, formatTime } from '../ui/format.js';
import { type PlotRange, plotData, plot_ranges, throughputRows } from './bins.js';
import { ThroughputPlot } from './plot.js';

interface Loaded {
  readonly report: ThroughputReport;
  readonly from_s: number;
  readonly to_s: number;
}

async function load(name: string, { length_s, step_s }: PlotRange, until: AbortSignal): Promise<Loaded> {
  const to_s = Math.floor(now_ms.peek() / 1_000);
  const from_s = to_s - length_s;
  const report = await get<ThroughputReport>(
    `replicas/${part(name)}/throughput`,
    { since_s: from_s, step_s },
    until,
  );
  return { report, from_s, to_s };
}

function Table({ loaded: { report, from_s, to_s }, range }: { loaded: Loaded; range: PlotRange }) {
  const rows = throughputRows(report, from_s, to_s, range.row_s);
  return (
    <details class="twin">
      <summary>The same as a table</summary>
      {rows.length === 0 ? (
        <p class="dim">Nothing was sent to it in {range.words}.</p>
      ) : (
        <div class="table-scroll" tabIndex={0} role="group" aria-label="Table of the throughput">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">Stream</th>
                <th scope="col">Link</th>
                <th scope="col">Fastest</th>
              </tr>
            </thead>
            <tbody>
              {rows.toReversed().map(({ begin_s, stream_bytes, link_bytes, peak_bytes_per_s }) => (
                <tr key={begin_s}>
                  <th scope="row">{formatTime(begin_s * 1_000).slice(0, 16)}</th>
                  <td>{formatBytes(stream_bytes)}</td>
                  <td>{formatBytes(link_bytes)}</td>
                  <td>{formatRate(peak_bytes_per_s)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

/** How fast bytes went to the replica. */
export function Throughput({ name }: { name: string }) {
  const [range, setRange] = useState<PlotRange>(plot_ranges[0] as PlotRange);
  const { data, error, reload } = useResource(`throughput ${name} ${range.name}`, (until) =>
    load(name, range, until),
  );
  useEffect(() => {
    const timer = setInterval(reload, range.step_s * 1_000);
    return () => clearInterval(timer);
  }, [range, reload]);
  const plot = useMemo(
    () => (data === undefined ? undefined : plotData(data.report, data.from_s, data.to_s)),
    [data],
  );
  const total = data?.report.samples.reduce((sum, { stream_bytes }) => sum + stream_bytes, 0) ?? 0;
  return (
    <section class="card block" aria-labelledby="throughput-title">
      <header class="card-head">
        <h2 id="throughput-title">
          Throughput{' '}
          <span class="count">{data === undefined ? '' : `${formatBytes(total)} in ${range.words}`}</span>
        </h2>
        <div class="range-choice" role="group" aria-label="How far back">
          {plot_ranges.map((choice) => (
            <Button key={choice.name} is_small is_pressed={choice === range} onClick={() => setRange(choice)}>
              {choice.name.replace(/(\d)([a-z])/, '$1 $2')}
            </Button>
          ))}
        </div>
      </header>
      <div class="block-body">
        {error === null ? null : (
          <ErrorBox error={error} title="The throughput could not be read" onRetry={reload} />
        )}
        {plot === undefined ? (
          error === null ? (
            <Loading what="the throughput" rows={8} />
          ) : null
        ) : (
          <ThroughputPlot data={plot} label={`Bytes per second to ${name} in ${range.words}`} />
        )}
        {data === undefined ? null : <Table loaded={data} range={range} />}
      </div>
    </section>
  );
}
