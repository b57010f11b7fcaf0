import { seededRandom } from '@tidemark/base';
import { compareUtf8 } from '@tidemark/model';
import { expect, test } from 'vitest';
import { Largest } from './largest.ts';

const SEED = Number(process.env['SEED'] ?? 11);

test(`what is kept is what sorting everything gives (SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 200; round++) {
    const limit = random.below(12);
    const counts = Array.from({ length: random.below(60) }, (_, i) => ({ name: `n${i}`, value: random.below(9) }));
    const largest = new Largest(limit);
    for (const { name, value } of counts) largest.offer(value, () => name);
    const wanted = counts.sort((a, b) => b.value - a.value || compareUtf8(a.name, b.name)).slice(0, limit);
    expect(largest.sorted()).toEqual(wanted);
  }
});

test('names of what is too small are not made', () => {
  const largest = new Largest(1);
  largest.offer(5, () => 'five');
  largest.offer(4, () => {
    throw new Error('made');
  });
  expect(largest.sorted()).toEqual([{ name: 'five', value: 5 }]);
});
