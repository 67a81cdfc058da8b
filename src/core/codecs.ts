/** How a stream is compressed on a data link. */
export const codec_names = ['none', 'snappy', 'lz4', 'zlib', 'zstd'] as const;
export type Codec = (typeof codec_names)[number];

export function isCodec(name: string): name is Codec {
  return (codec_names as readonly string[]).includes(name);
}

/** Version of the btrfs send stream. */
export type StreamVersion = 1 | 2;

/** What a node can do; exchanged when a link is made. */
export interface Capabilities {
  readonly codecs: readonly Codec[];
  /** The highest stream version that this node's kernel and btrfs-progs handle. */
  readonly stream_version_max: StreamVersion;
  /** For example `6.2`. */
  readonly btrfs_progs: string;
  /** For example `6.18.44`. */
  readonly kernel: string;
}

/** What the operator's config says about stream versions. */
export type StreamChoice = 'auto' | 'v1' | 'v2';

/** The stream version two nodes agree on; `v2` is asked for and not possible on both sides: undefined. */
export function agreeStreamVersion(
  choice: StreamChoice,
  ours: Capabilities,
  theirs: Capabilities,
): StreamVersion | undefined {
  const both = Math.min(ours.stream_version_max, theirs.stream_version_max);
  if (choice === 'v1') return 1;
  if (choice === 'v2') return both >= 2 ? 2 : undefined;
  return both >= 2 ? 2 : 1;
}
