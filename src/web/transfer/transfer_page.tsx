import type { TransferReport } from '../../core/report.js';
import { get, part } from '../api.js';
import { useResource } from '../resource.js';
import { ErrorBox, Loading } from '../ui/boxes.js';
import { PageHead } from '../ui/page_head.js';
import { StateBadge } from '../ui/state_badge.js';
import { shownState, transferWords } from '../ui/state_words.js';

export function TransferPage({ id }: { id: string }) {
  const { data, error, reload } = useResource(id, (until) =>
    get<TransferReport>(`transfers/${part(id)}`, {}, until),
  );
  return (
    <>
      <PageHead title={id}>
        {data === undefined ? null : <StateBadge words={transferWords(shownState(data))} />}
      </PageHead>
      {error === null ? null : <ErrorBox error={error} onRetry={reload} />}
      {data === undefined && error === null ? <Loading what="the transfer" /> : null}
    </>
  );
}
