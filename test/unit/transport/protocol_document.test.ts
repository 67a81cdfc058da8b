import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { proof_grid_bytes } from '../../../src/core/data_path.js';
import { protocol_version } from '../../../src/core/limits.js';
import { ProofHash } from '../../../src/pipeline/proof_hash.js';

const document = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');

/** The byte at offset `i` is `i` mod 251. */
function streamOf(bytes: number): Uint8Array {
  return Buffer.alloc(bytes).map((_, index) => index % 251);
}

describe('the document of the protocol', () => {
  it('is of the version that is spoken', () => {
    expect(document).toContain(`Version ${String(protocol_version)}.`);
    const shown = [...document.matchAll(/"protocol_version":(\d+)/g)].map(([, version]) => version);
    expect(shown).toEqual(Array.from({ length: 2 }, () => String(protocol_version)));
  });

  it('gives the right proof hashes', () => {
    const rows = [...document.matchAll(/^\| ([\d,]+) \| `([0-9a-f]{16})` \|$/gm)];
    const given = rows.map(([, bytes = '', hash]) => ({ bytes: Number(bytes.replaceAll(',', '')), hash }));
    const found = given.map(({ bytes }) => {
      const proof = new ProofHash();
      proof.update(streamOf(bytes));
      return { bytes, hash: proof.digest() };
    });
    expect(found).toEqual(given);
    expect(given.map(({ bytes }) => bytes)).toContain(2 * proof_grid_bytes + 5);
  });
});
