/**
 * `npm run bench [-- --size-mb N --runs N --write --only SECTION]`: icbdrep beside what people use today, on the same
 * data, interleaved, and what resuming costs. `--write` puts the results into docs/performance.md. SECTION is `peers`
 * or `resume`; the results of the other stay.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { type Codec, codec_names } from '../src/core/codecs.js';
import { Fleet } from '../test/support/fleet.js';
import { type Contender, icbdrep, rawPipe, sshLz4Pipe, sshPipe } from './support/contenders.js';
import { makeImage } from './support/image.js';
import { startPrivateSshd } from './support/private_sshd.js';
import { type Row, medianRatio, streamOf, table, verdict, wallOf } from './support/table.js';
import { resuming } from './resuming.js';

const { values: flags } = parseArgs({
  options: {
    'size-mb': { type: 'string', default: '1024' },
    runs: { type: 'string', default: '3' },
    'ssh-port': { type: 'string', default: '22822' },
    write: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});
const sections = ['peers', 'resume'] as const;
type Section = (typeof sections)[number];
const wanted = sections.filter((section) => flags.only === undefined || flags.only === section);
if (wanted.length === 0) {
  process.stderr.write(`--only takes one of: ${sections.join(', ')}\n`);
  process.exit(2);
}
const size_mb = Number(flags['size-mb']);
const runs = Number(flags.runs);

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** Every contender once untimed, then all of them in turn, `runs` times. */
async function compare(contenders: readonly Contender[], image: string): Promise<Row[]> {
  const rows = contenders.map(({ name }) => ({ name, samples: [] as Row['samples'][number][] }));
  for (let run = 0; run <= runs; run += 1) {
    for (const [index, contender] of contenders.entries()) {
      const sample = await contender.run(image);
      const what = run === 0 ? 'warm-up' : `run ${run}`;
      say(`  ${what}: ${contender.name}: ${sample.wall_s.toFixed(2)} s`);
      if (run > 0) rows[index]?.samples.push(sample);
    }
  }
  return rows;
}

function find(rows: readonly Row[], name: string): Row {
  const row = rows.find((each) => each.name === name);
  if (row === undefined) throw new Error(`no row ${name}`);
  return row;
}

async function uncompressed(): Promise<string> {
  say(`1. ${size_mb} MB that compress 2:1, no compression on disk`);
  const fleet = await Fleet.start({
    size_mb: size_mb * 6 + 1_024,
    master: { transfers: 'stream = "auto"' },
  });
  const sshd = await startPrivateSshd(Number(flags['ssh-port']));
  try {
    await makeImage(fleet, 'vm', size_mb);
    const ways = [rawPipe(fleet), ...codec_names.map((codec) => icbdrep(fleet, codec))];
    const rows = await compare([...ways, sshPipe(fleet, sshd), sshLz4Pipe(fleet, sshd)], 'vm');
    const raw = find(rows, 'btrfs send | btrfs receive');
    const none = find(rows, 'icbdrep, codec none');
    const lz4 = find(rows, 'icbdrep, codec lz4');
    const ssh = find(rows, 'btrfs send | ssh | btrfs receive');
    const ssh_lz4 = find(rows, 'btrfs send | lz4 | ssh | lz4 -d | btrfs receive');
    const text = [
      table(rows),
      '',
      verdict(
        'codec none to the raw pipe, stream',
        medianRatio(none, raw, streamOf),
        (v) => v <= 1.05,
        '<= 1.05',
      ),
      verdict(
        'codec none to the raw pipe, durable',
        medianRatio(none, raw, wallOf),
        (v) => v <= 1.05,
        '<= 1.05',
      ),
      verdict('ssh to codec none, stream', medianRatio(ssh, none, streamOf), (v) => v >= 1.7, '>= 1.7'),
      verdict('ssh to codec none, durable', medianRatio(ssh, none, wallOf), (v) => v >= 1.7, '>= 1.7'),
      verdict(
        'ssh with lz4 to codec lz4, stream',
        medianRatio(ssh_lz4, lz4, streamOf),
        (v) => v >= 1.7,
        '>= 1.7',
      ),
      verdict(
        'ssh with lz4 to codec lz4, durable',
        medianRatio(ssh_lz4, lz4, wallOf),
        (v) => v >= 1.7,
        '>= 1.7',
      ),
      '',
      await memory(fleet),
    ];
    return text.join('\n');
  } finally {
    await sshd.dispose();
    await fleet.dispose();
  }
}

async function peaksOf(fleet: Fleet, codec: Codec, image: string): Promise<number[]> {
  for (const node of fleet.nodes) await node.stop();
  for (const node of fleet.nodes) await node.start();
  await fleet.untilOnline();
  const { peak_mb } = await icbdrep(fleet, codec).run(image);
  return [peak_mb['master'] ?? 0, peak_mb['replica'] ?? 0];
}

const showPeaks = (values: readonly number[]): string => values.map((value) => value.toFixed(0)).join(' / ');

/** Peak memory of fresh daemons for the image, and for one four times as large, for every codec. */
async function memory(fleet: Fleet): Promise<string> {
  await makeImage(fleet, 'vm4', size_mb * 4);
  const lines: string[] = [];
  let [highest, growth] = [0, 0];
  for (const codec of codec_names) {
    const small = await peaksOf(fleet, codec, 'vm');
    const large = await peaksOf(fleet, codec, 'vm4');
    say(`  memory: ${codec}: ${showPeaks(small)}, ${showPeaks(large)} MB`);
    lines.push(`| ${codec} | ${showPeaks(small)} | ${showPeaks(large)} |`);
    highest = Math.max(highest, ...small, ...large);
    growth = Math.max(growth, ...large.map((value, index) => value / (small[index] ?? value)));
  }
  return [
    'Peak memory of master / replica, each a fresh daemon, MB:',
    '',
    `| codec | ${size_mb} MB | ${size_mb * 4} MB |`,
    '| --- | ---: | ---: |',
    ...lines,
    '',
    verdict('highest peak, MB', highest, (v) => v < 200, '< 200'),
    verdict('largest growth of a peak for an image four times as large', growth, (v) => v < 1.15, '< 1.15'),
  ].join('\n');
}

async function compressedOnDisk(): Promise<string> {
  say(`2. the same on filesystems mounted compress=zstd:1`);
  const fleet = await Fleet.start({ size_mb: size_mb * 4 + 1_024, mount_options: 'compress=zstd:1' });
  try {
    await makeImage(fleet, 'vm', size_mb);
    const v2 = '--proto 2 --compressed-data';
    const rows = await compare([rawPipe(fleet), rawPipe(fleet, v2), icbdrep(fleet, 'none')], 'vm');
    const raw = find(rows, 'btrfs send | btrfs receive');
    const bytes_percent = (100 * (await streamBytes(fleet, v2))) / (await streamBytes(fleet, ''));
    const raw_v2 = find(rows, `btrfs send ${v2} | btrfs receive`);
    const own = find(rows, 'icbdrep, codec none');
    return [
      table(rows),
      '',
      verdict('v1 pipe to icbdrep, stream', medianRatio(raw, own, streamOf), (v) => v >= 2.5, '>= 2.5'),
      verdict('v1 pipe to icbdrep, durable', medianRatio(raw, own, wallOf), (v) => v >= 2.5, '>= 2.5'),
      `- for comparison, v1 pipe to v2 pipe: stream ${medianRatio(raw, raw_v2, streamOf).toFixed(2)}, durable ${medianRatio(raw, raw_v2, wallOf).toFixed(2)}`,
      `- the stream of version 2 has ${bytes_percent.toFixed(0)} % of the bytes of version 1`,
    ].join('\n');
  } finally {
    await fleet.dispose();
  }
}

/** Bytes of the stream of the image's snapshot, in MB. */
async function streamBytes(fleet: Fleet, send_options: string): Promise<number> {
  const snapshot = path.join(fleet.master.fs.mountpoint, 'vm', '1');
  const { stdout } = await execa('bash', ['-c', `btrfs send -q ${send_options} '${snapshot}' | wc -c`]);
  return Number(stdout) / 1024 ** 2;
}

async function machine(): Promise<string> {
  const { stdout } = await execa('btrfs', ['--version']);
  const memory_gb = Math.round(totalmem() / 1024 ** 3);
  const [cpu] = cpus();
  return `${cpus().length} cores (${cpu?.model ?? 'unknown'}), ${memory_gb} GB, Linux ${release()}, ${stdout.split('\n')[0]}, Node ${process.version}; loop devices on tmpfs, everything in memory`;
}

async function peers(): Promise<string> {
  return [
    `Command: \`npm run bench -- --only peers\` (${runs} runs of each, interleaved, after one warm-up; medians, and medians of the ratios of each run)`,
    '',
    `Machine: ${await machine()}`,
    '',
    `### ${size_mb} MB that compress about 2:1`,
    '',
    await uncompressed(),
    '',
    `### The same on filesystems mounted compress=zstd:1`,
    '',
    await compressedOnDisk(),
  ].join('\n');
}

async function resume(): Promise<string> {
  return [
    `Command: \`npm run bench -- --only resume\` (${runs} runs of each, interleaved, after one warm-up)`,
    '',
    `Machine: ${await machine()}`,
    '',
    '### What checkpoints cost, and what a crash costs',
    '',
    await resuming({ size_mb, runs, say }),
  ].join('\n');
}

/** Each section stands between two comments, which name it. */
function writeResults(section: Section, text: string): void {
  const [begin, end] = [`<!-- bench:begin ${section} -->`, `<!-- bench:end ${section} -->`];
  const file = new URL('../docs/performance.md', import.meta.url);
  const before = readFileSync(file, 'utf8');
  if (!before.includes(begin) || !before.includes(end)) {
    throw new Error(`docs/performance.md has no ${begin} and ${end}`);
  }
  const [head = ''] = before.split(begin);
  const tail = before.split(end)[1] ?? '';
  writeFileSync(file, `${head}${begin}\n${text}\n${end}${tail}`);
}

const measured: Record<Section, () => Promise<string>> = { peers, resume };
for (const section of wanted) {
  const text = await measured[section]();
  say(`\n${text}`);
  if (flags.write) writeResults(section, text);
}
