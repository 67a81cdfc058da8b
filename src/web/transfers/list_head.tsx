import type { TransferOrder } from '../../core/report.js';
import { Icon } from '../ui/shapes.js';
import { type ListFilter, first_direction } from './list_model.js';

interface Props {
  readonly filter: ListFilter;
  readonly onSort: (sort: TransferOrder, direction: 'up' | 'down') => void;
}

const columns: readonly { readonly name: string; readonly class: string; readonly sort?: TransferOrder }[] = [
  { name: 'State', class: 'job-state', sort: 'state' },
  { name: 'Transfer', class: 'job-id' },
  { name: 'Image and snapshot', class: 'job-what', sort: 'image' },
  { name: 'Replica', class: 'job-to', sort: 'replica' },
  { name: 'Progress or outcome', class: 'job-outcome' },
  { name: 'Begun', class: 'job-begun', sort: 'created' },
  { name: 'Changed', class: 'job-changed', sort: 'updated' },
];

/** Names of the columns; a click sorts by one, another turns the order round. */
export function ListHead({ filter, onSort }: Props) {
  return (
    <div class="job job-head" role="row" aria-rowindex={1}>
      <span role="columnheader" class="job-check">
        <span class="visually-hidden">Selected</span>
      </span>
      {columns.map(({ name, class: column, sort }) => {
        const is_sorted = sort === filter.sort;
        const order = filter.direction === 'up' ? 'ascending' : 'descending';
        return (
          <span key={name} role="columnheader" class={column} aria-sort={is_sorted ? order : undefined}>
            {sort === undefined ? (
              name
            ) : (
              <button
                type="button"
                class="sort"
                onClick={() => {
                  const turned = filter.direction === 'up' ? 'down' : 'up';
                  onSort(sort, is_sorted ? turned : first_direction[sort]);
                }}
              >
                {name}
                {is_sorted ? <Icon name={filter.direction} /> : null}
              </button>
            )}
          </span>
        );
      })}
    </div>
  );
}
