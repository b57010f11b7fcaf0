import { expect, test } from 'vitest';
import { sinceFirst, statValues } from './stat-values.ts';
import { stats } from './stats.ts';

const grid = { start: 0, end: 30, stepSeconds: 15 };
const memory = stats.find((spec) => spec.id === 'memory') as (typeof stats)[number];
const GiB = 2 ** 30;

function part(...values: readonly (number | null)[]) {
  return [
    { metric: {}, values: values.flatMap((value, i) => (value === null ? [] : [[i * 15, String(value)] as const])) },
  ];
}

test('a tile tells the newest point at which all its parts are known', () => {
  const { latest, history } = statValues(
    memory,
    [part(8 * GiB, 4 * GiB, 2 * GiB), part(16 * GiB, 16 * GiB, null)],
    grid,
  );
  expect(history).toEqual([50, 75, null]);
  expect(latest).toEqual({ value: 75, detail: '12 GiB of 16 GiB' });
});

test('a tile without samples has nothing to tell', () => {
  expect(statValues(memory, [[], part(1, 1, 1)], grid).latest).toBeUndefined();
});

test('a quotient by zero is no number to tell', () => {
  expect(statValues(memory, [part(0), part(0)], grid)).toEqual({ latest: undefined, history: [null, null, null] });
});

test('the line beneath a tile begins with its first value', () => {
  expect(sinceFirst([null, null, 1, null, 2, 3])).toEqual([1, null, 2, 3]);
  expect(sinceFirst([null, null, null, null, null, 1])).toEqual([null, null, null, 1]);
  expect(sinceFirst([null, null])).toEqual([]);
});
