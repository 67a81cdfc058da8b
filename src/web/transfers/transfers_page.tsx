import { PageHead } from '../ui/page_head.js';

export function TransfersPage() {
  return <PageHead title="Transfers" />;
}
