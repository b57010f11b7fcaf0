import { encodeLabels, type Labels, labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import type { LabelOwner } from './chunk-ref.ts';
import { LabelTexts } from './label-texts.ts';

function ownerOf(list: readonly Labels[]): LabelOwner & { asked: number } {
  const bytes = list.map(encodeLabels);
  return {
    asked: 0,
    labelBytes(ref) {
      this.asked++;
      return bytes[ref] as Uint8Array;
    },
  };
}

// Short and long, of several bytes a letter, and one that is longer than a length of one byte can say.
const SERIES = Array.from({ length: 3000 }, (_, i) =>
  labelsOf({
    __name__: `m${i % 7}`,
    instance: `host-${i}`,
    zone: 'süd',
    '\u{1f30a}': '海',
    long: 'x'.repeat(100 + (i % 60)),
  }),
);

test('labels are what was encoded, decoded once a series, and one object for equal labels', () => {
  const owner = ownerOf(SERIES);
  const texts = new LabelTexts();
  for (const [ref, labels] of SERIES.entries()) expect(texts.of(owner, ref)).toEqual(labels);
  expect(owner.asked).toBe(SERIES.length);
  expect(texts.of(owner, 5)).toBe(texts.of(owner, 5));
  expect(owner.asked).toBe(SERIES.length);
  const zone = (ref: number) => texts.of(owner, ref).find(({ name }) => name === 'zone');
  expect(zone(1)).toBe(zone(2));
});

test('the same number of another owner is another series', () => {
  const texts = new LabelTexts();
  expect(texts.of(ownerOf(SERIES), 1)).toEqual(SERIES[1]);
  expect(texts.of(ownerOf(SERIES.slice(2)), 1)).toEqual(SERIES[3]);
});

test('beyond a limit all are forgotten, and right again', () => {
  const owner = ownerOf(SERIES);
  const texts = new LabelTexts({ seriesMax: 100, labelsMax: 50 });
  for (let round = 0; round < 2; round++) {
    for (const [ref, labels] of SERIES.slice(0, 500).entries()) expect(texts.of(owner, ref)).toEqual(labels);
  }
  expect(owner.asked).toBe(1000);
});
