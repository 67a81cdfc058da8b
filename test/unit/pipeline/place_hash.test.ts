import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PlaceHash, type ProvenPlace } from '../../../src/pipeline/place_hash.js';
import { ProofHash } from '../../../src/pipeline/proof_hash.js';

test('the place of any offset proves what is before, and a hash that starts there goes on', () => {
  const arbitrary_chunks = fc.array(
    fc.record({ bytes: fc.nat({ max: 700_000 }), back: fc.nat({ max: 200_000 }), fill: fc.nat() }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(arbitrary_chunks, (chunks) => {
      const all: Buffer[] = [];
      const places: ProvenPlace[] = [];
      const hash = new PlaceHash(new ProofHash());
      let seen_bytes = 0;
      let last_bytes = 0;
      for (const { bytes, back, fill } of chunks) {
        const chunk = Buffer.alloc(bytes, fill % 251);
        all.push(Buffer.from(chunk));
        hash.enter(chunk);
        const start_bytes = seen_bytes;
        seen_bytes += bytes;
        // Some chunks end no command; a command that ends here ends in this chunk.
        if (seen_bytes - back >= start_bytes && seen_bytes - back > last_bytes)
          last_bytes = seen_bytes - back;
        hash.leave(last_bytes);
        chunk.fill(0xee);
        places.push(hash.placeAt(last_bytes));
      }
      const stream = Buffer.concat(all);
      for (const place of places) {
        const whole = new ProofHash();
        whole.update(stream.subarray(0, place.proof.offset_bytes));
        expect(place.proof).toEqual(whole.aligned);
        const rest = new ProofHash(place.proof);
        rest.update(stream.subarray(place.proof.offset_bytes, place.offset_bytes));
        expect(rest.digest()).toBe(place.rest_hash);
        const again = new PlaceHash(rest, place);
        again.enter(stream.subarray(place.offset_bytes));
        again.leave(stream.length);
        expect(again.digest()).toEqual(hash.digest());
      }
    }),
    { numRuns: 40 },
  );
});
