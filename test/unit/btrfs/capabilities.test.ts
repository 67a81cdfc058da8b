import { expect, test } from 'vitest';
import { readCapabilities } from '../../../src/btrfs/capabilities.js';
import { programNotFound, type RunProgram } from '../../../src/btrfs/run_program.js';

const prints =
  (stdout: string): RunProgram =>
  async () => ({ exit_code: 0, stdout, stderr: '' });

test.each([
  ['6.18.44-generic', '6.2', 2],
  ['6.0.0', '6.10.1', 2],
  ['5.19.17', '6.2', 1],
  ['6.1.0-18-amd64', '6.1.3', 1],
  ['6.1.0', '5.16', 1],
  ['10.0', '10.0', 2],
])('kernel %s with btrfs-progs %s: version %d', async (kernel, btrfs_progs, stream_version_max) => {
  const found = await readCapabilities(
    prints(`btrfs-progs v${btrfs_progs}\n-EXPERIMENTAL -INJECT\n`),
    kernel,
  );
  expect(found).toEqual({ kernel, btrfs_progs, stream_version_max });
});

const missing: RunProgram = async (program) => {
  throw programNotFound(program);
};

test('no btrfs, or one that does not tell its version', async () => {
  await expect(readCapabilities(missing, '6.1')).rejects.toThrow(
    expect.objectContaining({ code: 'ProgramNotFound', hint: 'apt-get install btrfs-progs' }),
  );
  await expect(readCapabilities(prints('?'), '6.1')).rejects.toThrow(
    expect.objectContaining({ code: 'BtrfsFailed' }),
  );
});
