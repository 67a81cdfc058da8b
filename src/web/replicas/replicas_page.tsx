import type { ReplicaReport } from '../../core/report.js';
import { get } from '../api.js';
import { useResource } from '../resource.js';
import { replicaPath } from '../routes.js';
import { ErrorBox } from '../ui/boxes.js';
import { PageHead } from '../ui/page_head.js';

export function ReplicasPage() {
  const { data = [], error } = useResource('replicas', (until) =>
    get<ReplicaReport[]>('replicas', {}, until),
  );
  return (
    <>
      <PageHead title="Replicas" />
      {error === null ? null : <ErrorBox error={error} />}
      <ul>
        {data.map(({ name }) => (
          <li key={name}>
            <a href={replicaPath(name)}>{name}</a>
          </li>
        ))}
      </ul>
    </>
  );
}
