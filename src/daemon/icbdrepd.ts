#!/usr/bin/env node
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import type { Logger } from 'pino';
import { IcbdError } from '../core/errors.js';
import { type MasterConfig, loadMasterConfig } from './config/master_config.js';
import { loadNameServerConfig } from './config/name_server_config.js';
import { tokenFiles } from './config/parts.js';
import { loadReplicaConfig } from './config/replica_config.js';
import { readSecret } from './config/secret.js';
import { announceConsole, startConsole } from './interactive.js';
import { type LogFormat, makeLogger } from './logging.js';
import { startMaster } from './master.js';
import { startNameServer } from './nameserver.js';
import { exitOnFatal, explainFailure, runNode } from './node_process.js';
import { startReplica } from './replica.js';

interface Flags {
  readonly config: string;
  readonly check?: boolean;
  readonly logFile?: string;
  readonly logFormat?: LogFormat;
}

interface MasterFlags extends Flags {
  readonly interactive?: boolean;
}

interface LoggedConfig {
  readonly name: string;
  readonly log: { readonly level: string; readonly format?: LogFormat | undefined };
}

/** What the command line says wins over the config. */
function openLog({ name, log }: LoggedConfig, { logFile: file, logFormat }: Flags): Logger {
  return makeLogger({ node: name, level: log.level, format: logFormat ?? log.format, file });
}

async function runMaster(flags: MasterFlags): Promise<void> {
  const { config: file, check, interactive } = flags;
  const config = loadMasterConfig(file);
  config.replicas.forEach(({ secret_file }) => readSecret(secret_file));
  tokenFiles(config.control).forEach(readSecret);
  if (config.names.secret_file !== undefined) readSecret(config.names.secret_file);
  if (check === true) return sayValid(file);
  if (interactive === true) return runInteractive(config, flags);
  const log = openLog(config, flags);
  return runNode(() => startMaster(config, log, exitOnFatal(log)), log);
}

/** The log would be written over the prompt: it goes to a file. */
async function runInteractive(config: MasterConfig, flags: MasterFlags): Promise<void> {
  if (flags.logFile === undefined) mkdirSync(config.state_dir, { recursive: true, mode: 0o700 });
  const log_file = flags.logFile ?? path.join(config.state_dir, 'master.log');
  const log = openLog(config, { ...flags, logFile: log_file });
  return runNode(
    () => startMaster(config, log, exitOnFatal(log, true)),
    log,
    () => {
      announceConsole(log_file);
      return startConsole(config.control.socket);
    },
  );
}

async function runReplica(flags: Flags): Promise<void> {
  const { config: file, check } = flags;
  const config = loadReplicaConfig(file);
  readSecret(config.master.secret_file);
  tokenFiles(config.control).forEach(readSecret);
  if (config.names.secret_file !== undefined) readSecret(config.names.secret_file);
  if (check === true) return sayValid(file);
  const log = openLog(config, flags);
  return runNode(() => startReplica(config, log, exitOnFatal(log)), log);
}

async function runNameServer(flags: Flags): Promise<void> {
  const { config: file, check } = flags;
  const config = loadNameServerConfig(file);
  config.nodes.forEach(({ secret_file }) => readSecret(secret_file));
  tokenFiles(config.control).forEach(readSecret);
  if (check === true) return sayValid(file);
  const log = openLog(config, flags);
  return runNode(() => startNameServer(config, log, exitOnFatal(log)), log);
}

function sayValid(file: string): void {
  process.stdout.write(`${file} is valid\n`);
}

const program = new Command('icbdrepd')
  .description('A node of icbdrep: replicates VM images kept as btrfs snapshots.')
  .exitOverride()
  .showHelpAfterError('(icbdrepd --help explains)');

const roles = { master: runMaster, replica: runReplica, nameserver: runNameServer } as const;
for (const [role, run] of Object.entries(roles)) {
  const command = program
    .command(role)
    .description(`run a ${role} node until SIGTERM or SIGINT`)
    .requiredOption('--config <file>', 'its configuration, TOML; packaging/ holds an example')
    .option('--check', 'only check the configuration')
    .option('--log-file <file>', 'append the log to this file instead of writing it on stderr')
    .addOption(
      new Option(
        '--log-format <format>',
        'default: what the config says, or pretty on a terminal and json everywhere else',
      ).choices(['json', 'pretty']),
    )
    .action(run);
  if (role === 'master') {
    command.option('--interactive', 'with a console on this terminal; leaving it stops the master');
  }
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  process.exit(explainFailure(IcbdError.from(error, 'icbdrepd')));
}
