import { expect, test } from 'vitest';
import { resultSummary, sourceText } from './ask.ts';

const remarks = { warnings: [], infos: [], source: undefined, tookMs: 33.6 };

test('a graph is summed up by its points, gaps not counted', () => {
  const series = [
    { metric: {}, values: [1, null, 3] },
    { metric: {}, values: [null, null, 1] },
  ];
  expect(resultSummary({ tab: 'graph', columns: { times: [1, 2, 3], series, histogramSeries: 0 }, ...remarks })).toBe(
    '2 series, 3 points, 34 ms',
  );
});

test('a table is summed up by its rows', () => {
  expect(resultSummary({ tab: 'table', table: { resultType: 'scalar', result: [1, '2'] }, ...remarks })).toBe(
    '1 row, 34 ms',
  );
  expect(resultSummary({ tab: 'table', table: { resultType: 'vector', result: [] }, ...remarks, tookMs: 0.1 })).toBe(
    '0 rows, 1 ms',
  );
});

test('what an answer was computed from is told as far as the server tells it', () => {
  expect(sourceText({ resolution: 'raw', accuracy: 'exact' })).toBe('from raw, exact');
  expect(sourceText({ resolution: 'raw,1m', accuracy: 'approximate' })).toBe('from raw and 1m, approximate');
  expect([sourceText({ accuracy: 'exact' }), sourceText({})]).toEqual(['exact', undefined]);
});
