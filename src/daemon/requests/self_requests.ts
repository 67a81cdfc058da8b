/** Requests of a master to a replica about the replica itself. */
import { z } from 'zod';
import type { NodeSelf } from '../node_self.js';
import type { Admission } from '../reception_admission.js';

export const self_params = {
  'node.introduce': z.strictObject({ node_id: z.int().min(1) }),
  'node.show': z.strictObject({}),
  'node.accepts': z.strictObject({ image: z.string(), number: z.string(), uuid: z.string().max(64) }),
  'node.shutdown': z.strictObject({ mode: z.enum(['checkpoint', 'finish']) }),
} as const;

export type SelfMethod = keyof typeof self_params;
export type SelfParams<M extends SelfMethod> = z.infer<(typeof self_params)[M]>;
export type SelfRequest = {
  [M in SelfMethod]: { readonly method: M; readonly params: SelfParams<M> };
}[SelfMethod];

export function isSelfMethod(method: string): method is SelfMethod {
  return Object.hasOwn(self_params, method);
}

export interface AnsweringSelf {
  readonly self: NodeSelf;
  readonly admission: Admission;
}

export async function answerSelfRequest(
  { self, admission }: AnsweringSelf,
  from: string,
  request: SelfRequest,
): Promise<unknown> {
  switch (request.method) {
    case 'node.introduce':
      self.introduce(request.params.node_id);
      return null;
    case 'node.show':
      return self.report();
    case 'node.accepts':
      return admission.report(request.params);
    case 'node.shutdown':
      return self.shutdown(request.params.mode, `the master ${from}`);
  }
}
