import { expect, test } from 'vitest';
import { fromLocalTime, toLocalTime } from './local-time.ts';

test.each([0, 1_700_000_040, 1_795_864_080])('%d reads back to the minute', (seconds) => {
  const whole = Math.floor(seconds / 60) * 60;
  expect(fromLocalTime(toLocalTime(seconds)) ?? 0).toBe(whole);
});

test.each(['', '2026-11', 'soon', '2026-13-45T99:99'])('%s is no moment', (text) => {
  expect(fromLocalTime(text)).toBeUndefined();
});
