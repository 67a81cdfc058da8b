/**
 * icbd-replication for programs: `import { connect } from 'icbd-replication'`.
 *
 * What is named here is the public interface; everything else in the package may change.
 */
export { connect, type ConnectOptions } from './connect.js';
export { heading, prettify } from './log_text.js';
export type { ControlClient } from '../client/control_client.js';
export type { CallOptions, NodeOptions } from '../client/connection.js';
export { isOver, type WatchOptions } from '../client/watch_transfers.js';
export { type ErrorCode, type ErrorReport, error_codes, IcbdError } from '../core/errors.js';
export { type Codec, codec_names } from '../core/codecs.js';
export { compareSnapshotNumbers } from '../core/names.js';
export type {
  NameFilter,
  NameRegistration,
  NameRemoval,
  NameRemovalReport,
  NameReport,
  NameServerReport,
  NameState,
  RemovedNameReport,
} from '../core/name_report.js';
export type {
  AcceptReport,
  CheckRequest,
  NodeReport,
  PingReport,
  ShutdownMode,
  ShutdownReport,
} from '../core/node_report.js';
export type {
  HistoryFilter,
  HistoryReport,
  ImageAddRequest,
  ImageHistoryReport,
  ImageReport,
  ReplicaHistoryReport,
  ReplicaReport,
  SendRequest,
  SnapshotReport,
  StatusReport,
  TransferFilter,
  TransferReport,
} from '../core/report.js';
export type {
  CopyReport,
  FleetReport,
  ThroughputReport,
} from '../core/fleet_report.js';
export type {
  DiagramReport,
  MachineGraph,
  StepsReport,
} from '../core/machine_report.js';
export type { ExportFile } from '../core/export_file.js';
export type { FollowOptions } from '../client/events.js';
export type { FeedChoice, FeedMessage } from '../core/feed.js';
export type {
  BulkRedriveRequest,
  ForkRequest,
  RedriveReport,
  RedriveRequest,
  Verb,
  VerbReport,
} from '../core/verbs.js';
export type { DoctorReport } from '../core/doctor_report.js';
export type { VerifyReport } from '../core/verify_report.js';
export {
  compressStream,
  type CompressOptions,
  decompressStream,
  type DecompressOptions,
} from '../stream_codecs/stream_codec.js';
export { type StreamCodec, stream_codec_names } from '../stream_codecs/codec_settings.js';
