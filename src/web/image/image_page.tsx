import { PageHead } from '../ui/page_head.js';

export function ImagePage({ name }: { name: string }) {
  return <PageHead title={name} />;
}
