import { ByteWriter, isTidemarkError, type Random } from '@tidemark/base';
import { decodeLabels, encodeLabels, labelsOf } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { LabelPieces } from './label-pieces.ts';

const text = new TextDecoder();

/** What decoding says: names and values, or nothing. */
function plainly(bytes: Uint8Array): string[] | undefined {
  try {
    return decodeLabels(bytes).flatMap(({ name, value }) => [name, value]);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return undefined;
  }
}

function byPieces(bytes: Uint8Array): string[] | undefined {
  // In the middle of others, as labels of a section lie.
  const around = new Uint8Array(bytes.length + 9).fill(1);
  around.set(bytes, 4);
  const pieces = new LabelPieces();
  if (!pieces.read(around, 4, 4 + bytes.length)) return undefined;
  const out: string[] = [];
  for (let i = 0; i < pieces.count; i++) {
    out.push(text.decode(around.subarray(pieces.nameStarts[i], pieces.nameEnds[i])));
    out.push(text.decode(around.subarray(pieces.valueStarts[i], pieces.valueEnds[i])));
  }
  return out;
}

function someBytes(random: Random): Uint8Array {
  const word = () =>
    ['', 'a', 'ab', 'b', 'ü', '\u{10000}', '\uffff', 'x'.repeat(random.below(300))][random.below(8)] as string;
  if (random.below(2) === 0) {
    const writer = new ByteWriter();
    for (let i = random.below(4); i >= 0; i--) {
      writer.text(word());
      writer.text(word());
    }
    return writer.finish();
  }
  const pairs = new Map(Array.from({ length: random.below(50) }, (_, i) => [`${word()}${i}`, word()]));
  return encodeLabels(labelsOf(Object.fromEntries(pairs)));
}

test('pieces are what decoding says, and what it refuses they refuse', async () => {
  await withSeed('label pieces', (random) => {
    for (let round = 0; round < rounds(300); round++) {
      const bytes = someBytes(random);
      expect(byPieces(bytes)).toEqual(plainly(bytes));
      if (bytes.length === 0) continue;
      const cut = bytes.slice(0, random.below(bytes.length));
      expect(byPieces(cut)).toEqual(plainly(cut));
      const flipped = bytes.slice();
      const at = random.below(bytes.length);
      flipped[at] = (flipped[at] as number) ^ (1 << random.below(8));
      expect(byPieces(flipped)).toEqual(plainly(flipped));
    }
  });
});
