import type { Command } from 'commander';
import type { HistoryReport } from '../../core/report.js';
import { parseCount, parseTransferId } from '../arguments.js';
import { type EventChoice, chooseEvents } from '../render/history_steps.js';
import { renderHistory } from '../render/history.js';
import { type CliRun, openSession } from '../session.js';

/** Events that one answer of a daemon tells at most. */
const told_max = 1_000;

/** Whether all events are needed to find those that are wanted. */
const needsAll = ({ attempt, changes, errors, limit = told_max + 1 }: EventChoice): boolean =>
  attempt !== undefined || changes === true || errors === true || limit > told_max;

/** The events that are wanted, with all effects, and how many older ones would fit as well. */
function choose(report: HistoryReport, choice: EventChoice): HistoryReport {
  const { shown, omitted } = chooseEvents(report, choice);
  return { ...report, events: report.events.filter(({ seq }) => shown.has(seq)), omitted };
}

/** `transfer history`. */
export function addHistoryCommand(transfer: Command, run: CliRun): void {
  transfer
    .command('history')
    .description('every step of one transfer: when, why, from which state to which, and what ran meanwhile')
    .argument('<id>', 'its id, or the number it begins with', parseTransferId)
    .option('--limit <count>', 'only the newest so many', parseCount)
    .option('--attempt <number>', 'only those of this attempt', parseCount)
    .option('--changes', 'only those that led to another state')
    .option('--errors', 'only those that tell of something that went wrong')
    .action(async (id: string, choice: EventChoice, command: Command) => {
      const session = openSession(run, command);
      const { transfers } = session.client;
      if (!needsAll(choice)) {
        const report = await transfers.history(id, { limit: choice.limit });
        session.answer(report, (value, view) => renderHistory(value, view));
        return;
      }
      const whole = await transfers.wholeHistory(id);
      const chosen = choose(whole, choice);
      if (session.is_json) session.answer(chosen, () => '');
      else {
        const shown = new Set(chosen.events.map(({ seq }) => seq));
        session.answer({ ...whole, omitted: chosen.omitted }, (value, view) =>
          renderHistory(value, view, shown),
        );
      }
    });
}
