import { IcbdError } from '../../core/errors.js';
import { redrive } from '../actions.js';
import { formatNumberOf } from '../ui/format.js';
import { showToast } from '../ui/toasts.js';

/** Requests under way at a time: a browser has but six connections for one host, and the page needs some. */
const side_by_side = 3;

/** Runs these again, one by one, and tells what came of it. */
export async function redriveAll(ids: readonly string[]): Promise<void> {
  const waiting = [...ids];
  const refusals: string[] = [];
  const work = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      try {
        await redrive(id);
      } catch (thrown) {
        refusals.push(`${id}: ${IcbdError.from(thrown, 'redrive').message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: side_by_side }, work));
  const done = ids.length - refusals.length;
  if (done > 0) showToast('good', `${formatNumberOf(done, 'transfer')} run again`);
  const [first] = refusals;
  if (first === undefined) return;
  const others = refusals.length === 1 ? '' : `, and ${refusals.length - 1} more were refused`;
  showToast('bad', `Not run again: ${first}${others}`);
}
