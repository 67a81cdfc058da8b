import type { ComponentChildren } from 'preact';
import type { TransferReport } from '../../core/report.js';
import { now_ms } from '../clock.js';
import { replicaPath, transferPath } from '../routes.js';
import { progressOf } from '../store.js';
import { formatBytes, formatDuration, formatTime } from '../ui/format.js';
import { Icon } from '../ui/shapes.js';
import { StateBadge } from '../ui/state_badge.js';
import { shownState, transferWords } from '../ui/state_words.js';
import { FullTime } from '../ui/time.js';
import { ProgressBar } from '../ui/progress_bar.js';
import { percentOf, progressWords } from '../ui/progress_words.js';
import { attemptWords, countdownWords, nextWords, planFacts } from './next_words.js';

function Progress({ transfer }: { transfer: TransferReport }) {
  const progress = transfer.progress === null ? null : (progressOf(transfer.id).value ?? transfer.progress);
  const shown = progress ?? transfer.last_progress;
  if (shown === null) return null;
  return (
    <div class={`now-progress ${progress === null ? 'is-still' : ''}`}>
      <p class="now-figures">
        <strong>{percentOf(shown)}</strong>
        <span>
          {progress === null
            ? `${progressWords({ ...shown, rate_bytes_per_s: 0, eta_s: null })} when it moved last`
            : progressWords(shown)}
        </span>
        <span class="dim">{formatBytes(shown.link_bytes)} on the link</span>
      </p>
      <ProgressBar progress={shown} label={`How much of ${transfer.image} ${transfer.number} is there`} />
    </div>
  );
}

function Result({ transfer }: { transfer: TransferReport }) {
  const { state, already_there, stream_bytes, updated_at_ms, created_at_ms } = transfer;
  if (state !== 'completed') return null;
  const took = formatDuration((updated_at_ms - created_at_ms) / 1_000);
  const words = already_there
    ? 'The replica held the snapshot before; nothing was sent.'
    : `${formatBytes(stream_bytes ?? 0)} of stream, ${took} from the request to the end.`;
  return <p class="now-result">{words}</p>;
}

/** Why it does not go on, or did not: with what can be done. */
function LastError({ transfer }: { transfer: TransferReport }) {
  const { last_error, parked_reason } = transfer;
  const { tone } = transferWords(shownState(transfer));
  const is_over = tone === 'moving' || tone === 'good';
  const error_tone = tone === 'bad' ? 'bad' : is_over ? 'off' : 'warning';
  return (
    <>
      {parked_reason === '' ? null : (
        <div class="problem tone-bad" role="group" aria-label="Why it is parked">
          <Icon name="wrench" />
          <p>
            <strong>Parked:</strong> {parked_reason}
          </p>
        </div>
      )}
      {last_error === null ? null : (
        <div class={`problem tone-${error_tone}`} role="group" aria-label="Last error">
          <Icon name={tone === 'bad' ? 'cross' : 'triangle'} />
          <div>
            {is_over ? <p class="dim">What went wrong last, and is over:</p> : null}
            <p>
              <strong>{last_error.message}</strong> <code>{last_error.code}</code>
            </p>
            <p class="dim">
              during {last_error.operation}
              {last_error.subject === '' ? '' : ` of ${last_error.subject}`}
              {last_error.retryable ? '' : '; trying again cannot help'}
            </p>
            {last_error.hint === '' || is_over ? null : (
              <p class="problem-hint">
                <span>What helps:</span> {last_error.hint}
              </p>
            )}
          </div>
        </div>
      )}
    </>
  );
}

function Next({ transfer }: { transfer: TransferReport }) {
  return (
    <div class="now-next">
      <h3>Next</h3>
      <p>{nextWords(transfer)}</p>
      {transfer.settled || transfer.parked_reason !== ''
        ? null
        : transfer.timers.map(({ timer, meaning, due_at_ms }) => (
            <p key={timer} class="countdown" title={formatTime(due_at_ms)}>
              <Icon name="clock" />
              <strong>{countdownWords(due_at_ms, now_ms.value)}</strong> <span>{meaning}</span>
            </p>
          ))}
    </div>
  );
}

/** Where it stands, why, and what happens next. */
export function StatusPanel({ transfer, is_past }: { transfer: TransferReport; is_past: boolean }) {
  const words = transferWords(shownState(transfer));
  return (
    <section class={`card now tone-${words.tone}`} aria-label="Where it stands">
      {is_past ? <h2 class="now-title">Now</h2> : null}
      <div class="now-state">
        <StateBadge words={words} />
        <p>{transfer.state_description}</p>
      </div>
      <Progress transfer={transfer} />
      <Result transfer={transfer} />
      <LastError transfer={transfer} />
      <Next transfer={transfer} />
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** All the rest that is known of it. */
export function Facts({ transfer }: { transfer: TransferReport }) {
  const { checkpoint_bytes, checkpoint_at_ms, resumed_bytes, forked_from } = transfer;
  return (
    <section class="card facts" aria-label="Facts">
      <dl>
        {planFacts(transfer).map(({ name, words }) => (
          <Fact key={name} name={name}>
            {words}
          </Fact>
        ))}
        <Fact name="Attempt">{attemptWords(transfer)}</Fact>
        {checkpoint_bytes === null ? null : (
          <Fact name="Checkpoint">
            {checkpoint_bytes === 0
              ? 'nothing is on the disk of the replica yet'
              : `${formatBytes(checkpoint_bytes)} are on the disk of the replica`}
            {checkpoint_at_ms === null ? null : (
              <span class="dim"> as of {formatTime(checkpoint_at_ms).slice(11)}</span>
            )}
          </Fact>
        )}
        {resumed_bytes === 0 ? null : (
          <Fact name="Went on at">{formatBytes(resumed_bytes)} of the stream, which were not sent again</Fact>
        )}
        {forked_from === null ? null : (
          <Fact name="Forked from">
            <a href={`${transferPath(forked_from.transfer)}?at=${forked_from.seq}`}>
              {forked_from.transfer}, after its event {forked_from.seq}
            </a>
          </Fact>
        )}
        <Fact name="Replica">
          <a href={replicaPath(transfer.replica)}>{transfer.replica}</a>
        </Fact>
        <Fact name="Requested">
          <FullTime at_ms={transfer.created_at_ms} />
        </Fact>
        <Fact name="Last change">
          <FullTime at_ms={transfer.updated_at_ms} />
        </Fact>
      </dl>
    </section>
  );
}
