import type { DoctorCheck, DoctorReport, LeftoverRemoval, LeftoverReport } from '../../core/doctor_report.js';
import type { ImageRepository } from '../images/image_repository.js';
import type { NodeBase } from '../node_base.js';
import { fail, listed, ok, warn } from './check.js';
import { Leftovers } from './leftovers.js';
import { type NodePlaces, placeChecks, programChecks } from './machine_checks.js';
import { parkedCheck } from './state_checks.js';

export interface DoctorOptions {
  readonly base: NodeBase;
  readonly repository: ImageRepository;
  readonly role: 'master' | 'replica';
  readonly places: Omit<NodePlaces, 'mountpoint'>;
  /** What only a node of this role can check. */
  readonly roleChecks: () => Promise<DoctorCheck[]>;
}

function leftoverChecks(found: {
  readonly owned: number;
  readonly leftovers: readonly LeftoverReport[];
  readonly unreadable: readonly string[];
}): DoctorCheck[] {
  const name = 'hidden subvolumes';
  const { owned, leftovers, unreadable } = found;
  const checks: DoctorCheck[] = [];
  const pathsOf = (is_removable: boolean): string[] =>
    leftovers.filter((leftover) => leftover.is_removable === is_removable).map(({ path }) => path);
  const [removable, unknown] = [pathsOf(true), pathsOf(false)];
  if (removable.length > 0) {
    checks.push(fail(name, `nobody wants ${listed(removable)}`, 'icbdrep doctor --fix removes them'));
  }
  if (unknown.length > 0) {
    const hint = 'wait for icbdrep stream receive; if there is none, btrfs subvolume delete PATH';
    checks.push(warn(name, `of no transfer: ${listed(unknown)}`, hint));
  }
  if (unreadable.length > 0) {
    const hint = 'is it mounted? icbdrep image remove ends the replication of an image';
    checks.push(fail('images', `cannot be read: ${listed(unreadable)}`, hint));
  }
  if (checks.length > 0) return checks;
  return [ok(name, owned === 0 ? 'there are none' : `${owned}, all of transfers that go on`)];
}

/** Finds what is wrong with a running node, and removes what transfers have left. */
export class Doctor {
  readonly #options: DoctorOptions;
  readonly #leftovers: Leftovers;

  constructor(options: DoctorOptions) {
    const { base, repository } = options;
    this.#options = options;
    this.#leftovers = new Leftovers({ storage: base.storage, store: base.store, repository });
  }

  async report(): Promise<DoctorReport> {
    const { base, role, places, roleChecks } = this.#options;
    const found = await this.#leftovers.find();
    const checks = [
      ok('daemon', `${base.name} answers, as ${role}`),
      ...(await programChecks()),
      ...(await placeChecks({ ...places, mountpoint: base.mountpoint })),
      parkedCheck(base.storage),
      ...(await roleChecks()),
      ...leftoverChecks(found),
    ];
    return { is_running: true, node: base.name, role, checks, leftovers: found.leftovers };
  }

  /** @throws IcbdError `ImageNotFound` */
  removeLeftovers(image: string, names: readonly string[]): Promise<LeftoverRemoval[]> {
    return this.#leftovers.remove(image, names);
  }
}
