import type {
  HistoryReport,
  ImageAddRequest,
  ImageReport,
  ReplicaReport,
  SendRequest,
  SnapshotReport,
  StatusReport,
  TransferFilter,
  TransferReport,
} from '../core/report.js';

/**
 * What an operator can ask a node for; the control API calls these, and the client in src/client mirrors them.
 * All throw IcbdError. `node` is a name or an id; undefined is the node that is asked.
 */
export interface Operations {
  status(): Promise<StatusReport>;
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
  send(request: SendRequest): Promise<TransferReport[]>;
  transfers(filter: TransferFilter): Promise<TransferReport[]>;
  transfer(id: string): Promise<TransferReport>;
  history(id: string): Promise<HistoryReport>;
  cancel(id: string): Promise<TransferReport>;
}
