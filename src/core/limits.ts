/** Bounds that both ends of a link hold to. A peer that passes one is refused, not obeyed. */
export const limits = {
  /** One JSON message on a control link, in bytes. */
  control_frame_bytes: 16 * 1024 * 1024,
  /** One binary frame on a data link, in bytes: a block, its header, and the worst growth of a codec. */
  data_frame_bytes: 2 * 1024 * 1024,
  /** Uncompressed bytes of the stream that make one block. */
  block_bytes: 1024 * 1024,
  /** What may wait in memory on one data link before the sender pauses, in bytes. */
  data_in_flight_bytes: 8 * 1024 * 1024,
  /** Time for a peer to finish the handshake. */
  handshake_ms: 10_000,
  /** Time for the answer to a request between nodes. */
  request_ms: 30_000,
} as const;

/** Spoken on links; two nodes work together only if it is the same. */
export const protocol_version = 4;
