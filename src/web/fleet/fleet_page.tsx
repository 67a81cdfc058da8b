import { PageHead } from '../ui/page_head.js';

export function FleetPage() {
  return <PageHead title="Fleet" />;
}
