import { PageHead } from '../ui/page_head.js';

export function ReplicaPage({ name }: { name: string }) {
  return <PageHead title={name} />;
}
