import type { ContextChange } from '../../core/machine_report.js';
import { Button } from '../ui/button.js';
import type { UsedSteps } from './use_travel.js';
import { valueText } from './values.js';

function Change({ change }: { change: ContextChange }) {
  const has_before = 'before' in change && change.before !== undefined;
  const has_after = 'after' in change && change.after !== undefined;
  return (
    <tr>
      <th scope="row">{change.path}</th>
      <td>
        {has_before ? <del>{valueText(change.before)}</del> : null}
        {has_before && has_after ? <span class="change-arrow"> → </span> : null}
        {has_after ? <ins>{valueText(change.after)}</ins> : <span class="dim"> is gone</span>}
      </td>
    </tr>
  );
}

function Changes({ changes }: { changes: readonly ContextChange[] }) {
  if (changes.length === 0) return <p class="dim">This step changed nothing of what it knows.</p>;
  return (
    <table class="changes">
      <caption class="visually-hidden">What this step changed</caption>
      <tbody>
        {changes.map((change) => (
          <Change key={change.path} change={change} />
        ))}
      </tbody>
    </table>
  );
}

/** What the actor knew after the step, and what of it the step had changed. */
export function ContextView({ steps }: { steps: UsedSteps }) {
  const { step, report, is_loading, failure, retry } = steps;
  if (failure !== '') {
    return (
      <p class="dim">
        What it knew could not be read: {failure}.{' '}
        <Button is_small onClick={retry}>
          Try again
        </Button>
      </p>
    );
  }
  if (step === undefined) {
    return <p class="dim">{is_loading ? 'Reading what it knew…' : 'What it knew then is not kept.'}</p>;
  }
  const { departure = null, not_folded = '' } = report ?? {};
  return (
    <>
      {departure !== null && departure.seq <= step.seq ? (
        <p class="context-warning">
          From event {departure.seq} on the history does not add up: {departure.reason}.
        </p>
      ) : null}
      <h3>Changed by this step</h3>
      {step.context === null ? (
        <p class="dim">{not_folded === '' ? 'What it knew is not known.' : `Not known: ${not_folded}.`}</p>
      ) : (
        <>
          <Changes changes={step.changes} />
          <details class="context">
            <summary>All that it knew</summary>
            <pre tabIndex={0}>{JSON.stringify(step.context, null, 2)}</pre>
          </details>
        </>
      )}
    </>
  );
}
