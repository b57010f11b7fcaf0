import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeHistogram, encodeHistogram } from './codec.ts';

// docs/format/histogram.md shows bytes; a page that lies fails here.

const page = readFileSync(new URL('../../../../docs/format/histogram.md', import.meta.url), 'utf8');

function hexBlock(name: string): Uint8Array {
  const block = new RegExp(`\`\`\`hex ${name}\\n([0-9a-f\\s]+)\`\`\``).exec(page)?.[1] ?? '';
  return Uint8Array.from(Buffer.from(block.replace(/\s/g, ''), 'hex'));
}

test('the page shows a histogram of whole counts, byte for byte', () => {
  const bytes = hexBlock('histogram');
  const histogram = decodeHistogram(bytes);
  expect(histogram).toEqual({
    schema: 3,
    hint: 'no reset',
    fractions: false,
    zeroThreshold: 0.5,
    sum: 18.25,
    count: 307,
    zeroCount: 1,
    positive: {
      spans: [
        { gap: -2, length: 2 },
        { gap: 3, length: 1 },
      ],
      counts: Float64Array.of(2, 300, 3),
    },
    negative: { spans: [{ gap: 0, length: 1 }], counts: Float64Array.of(1) },
    bounds: undefined,
  });
  expect(encodeHistogram(histogram)).toEqual(bytes);
});

test('the page shows fractions within bounds of their own, byte for byte', () => {
  const bytes = hexBlock('histogram-bounds');
  const histogram = decodeHistogram(bytes);
  expect(histogram).toMatchObject({ schema: -53, hint: 'unknown', fractions: true, count: 1.5, sum: 1, zeroCount: 0 });
  expect(histogram.positive).toEqual({ spans: [{ gap: 1, length: 1 }], counts: Float64Array.of(1.5) });
  expect(histogram.bounds).toEqual(Float64Array.of(0.5));
  expect(encodeHistogram(histogram)).toEqual(bytes);
});
