import type {
  DoctorReport,
  HistoryReport,
  ImageAddRequest,
  ImageReport,
  LeftoverRemoval,
  ReplicaReport,
  SendRequest,
  SnapshotReport,
  StatusReport,
  TransferFilter,
  TransferReport,
  VerifyReport,
} from '../core/report.js';

/**
 * What an operator can ask a node for; the control API calls these, and the client in src/client mirrors them.
 * All throw IcbdError. `node` is a name or an id; undefined is the node that is asked.
 */
export interface Operations {
  status(): Promise<StatusReport>;
  doctor(): Promise<DoctorReport>;
  /** Removes hidden subvolumes in the image's directory that no transfer wants; others are left alone. */
  removeLeftovers(image: string, names: readonly string[]): Promise<LeftoverRemoval[]>;
  replicas(): Promise<ReplicaReport[]>;
  images(node: string | undefined): Promise<ImageReport[]>;
  addImage(request: ImageAddRequest): Promise<ImageReport>;
  removeImage(name: string, node: string | undefined): Promise<ImageReport>;
  snapshots(image: string, node: string | undefined): Promise<SnapshotReport[]>;
  createSnapshot(
    image: string,
    number: string | undefined,
    node: string | undefined,
  ): Promise<SnapshotReport>;
  deleteSnapshot(image: string, number: string, node: string | undefined): Promise<SnapshotReport>;
  /** Starts to compare the master's snapshot with its copies: on `node`, or on all replicas that are online. */
  verifySnapshot(image: string, number: string, node: string | undefined): Promise<VerifyReport>;
  verification(id: string): Promise<VerifyReport>;
  cancelVerification(id: string): Promise<VerifyReport>;
  send(request: SendRequest): Promise<TransferReport[]>;
  transfers(filter: TransferFilter): Promise<TransferReport[]>;
  transfer(id: string): Promise<TransferReport>;
  history(id: string): Promise<HistoryReport>;
  cancel(id: string): Promise<TransferReport>;
}
