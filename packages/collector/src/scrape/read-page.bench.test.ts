import { expect, test } from 'vitest';
import { benchReadPage } from './read-page.bench.ts';

test('the bench of pages runs, with a little: so that it does not rot', () => {
  const { first, steady, pageBytes } = benchReadPage(300, 2);
  expect(first).toBeGreaterThan(0);
  expect(steady).toBeGreaterThan(0);
  expect(pageBytes).toBeGreaterThan(300 * 40);
});
