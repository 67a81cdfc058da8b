import type { ImageReport, ReplicaReport } from '../../core/report.js';
import { get } from '../api.js';
import { useResource } from '../resource.js';

export interface Names {
  readonly images: readonly string[];
  readonly replicas: readonly string[];
}

/** Names to filter by. */
export function useNames(): Names {
  const images = useResource('images', (until) => get<ImageReport[]>('images', {}, until));
  const replicas = useResource('replicas', (until) => get<ReplicaReport[]>('replicas', {}, until));
  return {
    images: images.data?.map(({ name }) => name) ?? [],
    replicas: replicas.data?.map(({ name }) => name) ?? [],
  };
}
