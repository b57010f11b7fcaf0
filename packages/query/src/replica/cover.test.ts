import { expect, test } from 'vitest';
import { cover, type StoreView } from './cover.ts';

const store = (address: string, zone: string, owned: readonly number[], more: Partial<StoreView> = {}): StoreView => ({
  address,
  answers: true,
  state: { zone, partitions: 4, owned, positions: [] },
  ...more,
});
const down = { answers: false };
const at = (offset: number) => ({
  state: { zone: 'a', partitions: 4, owned: [0], positions: [{ topic: 'raw', partition: 0, offset, end: 5000 }] },
});
const ALL = [0, 1, 2, 3];

test.each<[string, readonly StoreView[], string, object]>([
  [
    'two share the partitions',
    [store('a0', 'a', [0, 2]), store('a1', 'a', [1, 3])],
    'a',
    { asks: { a0: [0, 2], a1: [1, 3] }, missing: [] },
  ],
  ['the own zone first', [store('a0', 'a', ALL), store('b0', 'b', ALL)], 'b', { asks: { b0: ALL }, missing: [] }],
  [
    'of another zone what the own has not',
    [store('a0', 'a', [0, 2]), store('a1', 'a', [1, 3], down), store('b0', 'b', ALL)],
    'a',
    { asks: { a0: [0, 2], b0: [1, 3] }, missing: [] },
  ],
  [
    'few stores rather than many',
    [store('a0', 'a', [0]), store('a9', 'a', ALL)],
    '',
    { asks: { a9: ALL }, missing: [] },
  ],
  ['nobody has it', [store('a0', 'a', [0, 2])], 'a', { asks: { a0: [0, 2] }, missing: [1, 3] }],
  [
    'who does not answer is asked when nobody else is there',
    [store('a0', 'a', ALL, down)],
    'a',
    { asks: { a0: ALL }, missing: [] },
  ],
  [
    'who never said anything is not',
    [{ address: 'a0', answers: true, state: undefined }],
    'a',
    { asks: {}, missing: ALL },
  ],
  [
    'who is far behind comes last',
    [store('a0', 'a', [0], at(100)), store('a1', 'a', [0], at(2000)), store('a2', 'a', [1, 2, 3])],
    'a',
    { asks: { a1: [0], a2: [1, 2, 3] }, missing: [] },
  ],
])('%s', (_, stores, zone, wanted) => {
  const { asks, missing } = cover(ALL, stores, zone);
  expect({ asks: Object.fromEntries(asks), missing }).toEqual(wanted);
});

test('who was tried for a partition is not asked for it again, for others it is', () => {
  const stores = [store('a0', 'a', ALL), store('b0', 'b', ALL)];
  const tried = new Map([
    [1, new Set(['a0'])],
    [2, new Set(['a0', 'b0'])],
  ]);
  const { asks, missing } = cover(ALL, stores, 'a', tried);
  expect({ asks: Object.fromEntries(asks), missing }).toEqual({ asks: { a0: [0, 3], b0: [1] }, missing: [2] });
});
