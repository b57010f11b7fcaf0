import { expect, test } from 'vitest';
import { everyWorld } from './exhaustive.ts';

test('every combination is played once', () => {
  const seen: string[] = [];
  const worlds = everyWorld((choose) => {
    seen.push(`${choose.below(2)}${choose.of(['a', 'b', 'c'])}`);
  });
  expect(worlds).toBe(6);
  expect(seen).toEqual(['0a', '0b', '0c', '1a', '1b', '1c']);
});

test('a choice may depend on the ones before it', () => {
  const seen: string[] = [];
  everyWorld((choose) => {
    seen.push(choose.flag() ? `yes${choose.upTo(2)}` : 'no');
  });
  expect(seen).toEqual(['no', 'yes0', 'yes1', 'yes2']);
});

test('order gives all permutations', () => {
  const seen = new Set<string>();
  expect(everyWorld((choose) => seen.add(choose.order(['a', 'b', 'c', 'd']).join('')))).toBe(24);
  expect(seen.size).toBe(24);
});

test('listOf gives every list up to its length', () => {
  const seen = new Set<string>();
  everyWorld((choose) => seen.add(choose.listOf([0, 1], 3).join('')));
  expect(seen.size).toBe(1 + 2 + 4 + 8);
});

test('a world without choices is one world', () => {
  expect(everyWorld(() => undefined)).toBe(1);
});

test('a failing world is named by its choices', () => {
  const play = () =>
    everyWorld((choose) => {
      if (choose.below(3) === 1 && choose.flag()) throw new Error('bang');
    });
  expect(play).toThrow('bang\n\nworld 2, choices [1, 1]');
});

test('a world too big to enumerate is refused', () => {
  expect(() => everyWorld((choose) => choose.below(1000), { worldsMax: 100 })).toThrow('no more than 100 variants');
});

test('a world that chooses differently when replayed is a mistake', () => {
  let played = 0;
  expect(() => everyWorld((choose) => choose.below(2 + played++))).toThrow('chooses the same way');
});
