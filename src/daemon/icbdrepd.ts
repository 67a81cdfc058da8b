#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { IcbdError } from '../core/errors.js';
import { loadMasterConfig } from './config/master_config.js';
import { loadReplicaConfig } from './config/replica_config.js';
import { readSecret } from './config/secret.js';
import { makeLogger } from './logging.js';
import { startMaster } from './master.js';
import { exitOnFatal, explainFailure, runNode } from './node_process.js';
import { startReplica } from './replica.js';

interface Flags {
  readonly config: string;
  readonly check?: boolean;
}

async function runMaster({ config: file, check }: Flags): Promise<void> {
  const config = loadMasterConfig(file);
  config.replicas.forEach(({ secret_file }) => readSecret(secret_file));
  if (check === true) return sayValid(file);
  const log = makeLogger(config.name, config.log.level);
  return runNode(() => startMaster(config, log, exitOnFatal(log)), log);
}

async function runReplica({ config: file, check }: Flags): Promise<void> {
  const config = loadReplicaConfig(file);
  readSecret(config.master.secret_file);
  if (check === true) return sayValid(file);
  const log = makeLogger(config.name, config.log.level);
  return runNode(() => startReplica(config, log, exitOnFatal(log)), log);
}

function sayValid(file: string): void {
  process.stdout.write(`${file} is valid\n`);
}

const program = new Command('icbdrepd')
  .description('A node of icbdrep: replicates VM images kept as btrfs snapshots.')
  .exitOverride()
  .showHelpAfterError('(icbdrepd --help explains)');

const roles = { master: runMaster, replica: runReplica } as const;
for (const [role, run] of Object.entries(roles)) {
  program
    .command(role)
    .description(`run a ${role} node until SIGTERM or SIGINT`)
    .requiredOption('--config <file>', 'its configuration, TOML; packaging/ holds an example')
    .option('--check', 'only check the configuration')
    .action(run);
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  process.exit(explainFailure(IcbdError.from(error, 'icbdrepd')));
}
