/** What somebody chose for a fork, as the request for it. */
import { isCodec } from '../../core/codecs.js';
import type { ForkRequest } from '../../core/verbs.js';

/** Empty: as it was. */
export interface ForkChoices {
  readonly codec: string;
  readonly parent: string;
  readonly to: string;
}

/** What stays as it was is left out. */
export function forkRequest({ codec, parent, to }: ForkChoices, at_seq: number | null): ForkRequest {
  return {
    ...(at_seq === null ? {} : { at_seq }),
    ...(isCodec(codec) ? { codec } : {}),
    ...(parent === '' ? {} : { parent }),
    ...(to === '' ? {} : { to }),
  };
}
