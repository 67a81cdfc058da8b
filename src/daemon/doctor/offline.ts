/**
 * The doctor where no daemon answers: a program of its own, which `icbdrep doctor` starts. It gets the path of a
 * config, or nothing, and prints a `DoctorReport`.
 */
import { readFileSync } from 'node:fs';
import { IcbdError } from '../../core/errors.js';
import type { DoctorCheck, DoctorReport } from '../../core/doctor_report.js';
import { loadMasterConfig } from '../config/master_config.js';
import { loadReplicaConfig } from '../config/replica_config.js';
import { fail, ok, warn } from './check.js';
import { type NodePlaces, placeChecks, programChecks } from './machine_checks.js';

interface Configured {
  readonly node: string;
  readonly role: 'master' | 'replica';
  readonly places: NodePlaces;
}

/** A replica's config has the table of its master. @throws IcbdError `InvalidConfig` */
function readConfig(file: string): Configured {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // What is wrong with it is said by who reads it again.
  }
  if (/^\s*\[master\]/m.test(text)) {
    const { name, mountpoint, state_dir, master } = loadReplicaConfig(file);
    const places = { mountpoint, state_dir, secret_files: [master.secret_file] };
    return { node: name, role: 'replica', places };
  }
  const { name, mountpoint, state_dir, replicas, listen } = loadMasterConfig(file);
  const secret_files = replicas.map(({ secret_file }) => secret_file);
  return {
    node: name,
    role: 'master',
    places: { mountpoint, state_dir, secret_files, tls_key: listen.tls_key },
  };
}

function tryConfig(file: string | undefined): { check: DoctorCheck; configured: Configured | undefined } {
  if (file === undefined) {
    const hint = 'give --config FILE to have its disks, database and secrets looked at too';
    return { check: warn('config', 'none was given', hint), configured: undefined };
  }
  try {
    const configured = readConfig(file);
    return { check: ok('config', `${file} is valid, for a ${configured.role}`), configured };
  } catch (thrown) {
    const { message, hint } = IcbdError.from(thrown, 'doctor');
    return { check: fail('config', message, hint), configured: undefined };
  }
}

async function report(file: string | undefined): Promise<DoctorReport> {
  const { check, configured } = tryConfig(file);
  return {
    is_running: false,
    node: configured?.node ?? '',
    role: configured?.role ?? 'unknown',
    checks: [
      check,
      ...(await programChecks()),
      ...(configured === undefined ? [] : await placeChecks(configured.places)),
    ],
    leftovers: [],
  };
}

process.stdout.write(`${JSON.stringify(await report(process.argv[2]))}\n`);
