import { seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { RefMap } from './ref-map.ts';

test.each([5, 900, 5000])('%i series: what was set is there, and nothing else', (count) => {
  const random = seededRandom(count);
  const map = new RefMap();
  const plain = new Map<number, number>();
  for (let i = 0; i < count * 2; i++) {
    const ref = random.below(count * 3);
    const number = i === 7 ? 2 ** 32 - 2 : random.below(2 ** 31);
    map.set(ref, number);
    plain.set(ref, number);
  }
  expect(map.size).toBe(plain.size);
  expect([...map.entries()].sort(([a], [b]) => a - b)).toEqual([...plain].sort(([a], [b]) => a - b));
  for (let ref = 0; ref < count * 4; ref++) {
    expect(map.has(ref)).toBe(plain.has(ref));
    expect(map.get(ref)).toBe(plain.get(ref) ?? -1);
  }
  map.clear();
  expect([map.size, map.has(0), map.get(0), [...map.keys()]]).toEqual([0, false, -1, []]);
});
