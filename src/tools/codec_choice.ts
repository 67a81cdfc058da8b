import { IcbdError } from '../core/errors.js';
import { isStreamCodec, type StreamCodec, stream_codec_names } from '../stream_codecs/codec_settings.js';

export const stream_codec_choices: readonly string[] = stream_codec_names;

/** @throws IcbdError `InvalidArgument` */
export function parseStreamCodec(name: string): StreamCodec {
  if (isStreamCodec(name)) return name;
  throw new IcbdError('InvalidArgument', `${JSON.stringify(name)} is no stream codec`, {
    operation: 'read the command line',
    subject: name,
    hint: `stream codecs: ${stream_codec_names.join(' ')}`,
  });
}
