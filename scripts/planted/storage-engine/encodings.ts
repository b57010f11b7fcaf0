import type { PlantedBug } from '../bug.ts';
import { by, src } from './places.ts';

// Values that come back with other bits than they went in.

export const ENCODINGS: readonly PlantedBug[] = [
  {
    name: 'sign-of-zero-dropped',
    what: '-0 comes back as 0',
    file: src('chunk/values.ts'),
    text: ' || (value === 0 && 1 / value < 0)) return -1;',
    instead: ') return -1;',
    caughtBy: [by('chunk/chunk.test.ts')],
  },
  {
    name: 'stale-marker-quieted',
    what: 'the stale marker, a signalling NaN, comes back as a quiet one',
    file: src('chunk/xor.ts'),
    text: 'writer.u32(words[start * 2 + 1] as number);',
    instead:
      'const top = words[start * 2 + 1] as number;\n  writer.u32((top & 0x7ff00000) === 0x7ff00000 && words[start * 2] !== 0 ? top | 0x80000 : top);',
    caughtBy: [by('chunk/chunk.test.ts')],
  },
  {
    name: 'constant-by-its-low-half',
    what: 'values that differ in their upper halves alone are taken for the same',
    file: src('chunk/values.ts'),
    text: 'if (words[i * 2] !== low || words[i * 2 + 1] !== high) return false;',
    instead: 'if (words[i * 2] !== low || high === undefined) return false;',
    caughtBy: [by('chunk/chunk.test.ts')],
  },
  {
    name: 'mantissas-of-before',
    what: 'values before the decimal exponent grew keep the mantissas they had',
    file: src('chunk/values.ts'),
    text: 'for (let i = 0; i < before; i++) {',
    instead: 'for (let i = 0; i < 0 * before; i++) {',
    caughtBy: [by('chunk/chunk.fuzz.test.ts')],
  },
  {
    name: 'mantissa-beyond-exact',
    what: 'mantissas are taken that doubles cannot count',
    file: src('chunk/values.ts'),
    text: 'const MANTISSA_MAX = 2 ** 50;',
    instead: 'const MANTISSA_MAX = 2 ** 60;',
    caughtBy: [by('chunk/chunk.fuzz.test.ts')],
  },
  {
    name: 'xor-window-by-one-side',
    what: 'changed bits right of the last window are cut off',
    file: src('chunk/xor.ts'),
    text: 'if (lead >= leading && trail >= trailing) bits.write(0b01, 2);',
    instead: 'if (lead >= leading) bits.write(0b01, 2);',
    caughtBy: [by('chunk/chunk.test.ts')],
  },
  {
    name: 'uneven-times-made-even',
    what: 'times are steady if the last step is that of the first',
    file: src('chunk/timestamps.ts'),
    text: 'if (delta !== step) steady = false;',
    instead: 'steady = delta === step;',
    caughtBy: [by('chunk/chunk.fuzz.test.ts')],
  },
  {
    name: 'bucket-lost-at-chunk-end',
    what: 'the last histogram of a chunk loses its counts',
    file: src('chunk/histograms.ts'),
    text: 'for (let i = 0; i < group.length; i++) column[i]',
    instead: 'for (let i = 0; i < Math.max(1, group.length - 1); i++) column[i]',
    caughtBy: [by('histogram-chunks.fuzz.test.ts', { SEED: '1' })],
  },
  {
    name: 'bucket-of-the-first-side',
    what: 'negative buckets come back as positive ones',
    file: src('chunk/histograms.ts'),
    text: 'write((histogram) => histogram.negative.counts[b] as number);',
    instead: 'write((histogram) => (histogram.positive.counts[b] ?? histogram.negative.counts[b]) as number);',
    caughtBy: [by('histogram-chunks.fuzz.test.ts', { SEED: '1' })],
  },
  {
    name: 'histogram-marks-shifted',
    what: 'beside numbers, the ninth histogram stands where the first should',
    file: src('chunk/histograms.ts'),
    text: 'marks[at >>> 3] = (marks[at >>> 3] as number) | (1 << (at & 7));',
    instead: 'marks[at >>> 3] = 1 << (at & 7);',
    caughtBy: [by('histogram-chunks.fuzz.test.ts', { SEED: '1' })],
  },
];
