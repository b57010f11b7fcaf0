import { expect, test } from 'vitest';
import { learnServerTime, nowSeconds, skewCorrection } from './clock.ts';

test('a difference the header and the network explain is no skew', () => {
  expect([skewCorrection(100, 102.9), skewCorrection(100, 97.1)]).toEqual([0, 0]);
  expect([skewCorrection(3700, 100), skewCorrection(100, 3700)]).toEqual([3600, -3600]);
});

test("the page keeps the server's time", () => {
  const serverSeconds = Math.floor(nowSeconds()) + 3600;
  learnServerTime(new Date(serverSeconds * 1000).toUTCString());
  expect(Math.abs(nowSeconds() - serverSeconds)).toBeLessThan(2);
});

test('a missing or unreadable header changes nothing', () => {
  const before = nowSeconds();
  learnServerTime(null);
  learnServerTime('yesterday');
  expect(Math.abs(nowSeconds() - before)).toBeLessThan(2);
});
