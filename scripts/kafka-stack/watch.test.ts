import { expect, test } from 'vitest';
import { shareOf, storeLags } from './watch.ts';

// Lines as pages of metrics have them.

test('partitions and lag of a rollup are those of its tasks', () => {
  const page = [
    '# TYPE tidemark_rollup_lag_records gauge',
    'tidemark_rollup_lag_records{task="rollup-10"} 5',
    'tidemark_rollup_lag_records{task="rollup-2"} 7',
    'tidemark_rollup_rows_emitted_total 4',
  ].join('\n');
  expect(shareOf('rollup', page)).toEqual({ partitions: [2, 10], lag: 12 });
});

test('those of repartition are of all its topics', () => {
  const page = [
    'tidemark_repartition_lag_records{topic="tidemark.samples",partition="0"} 1',
    'tidemark_repartition_lag_records{topic="tidemark.samples",partition="1"} 2',
    'tidemark_repartition_lag_records{topic="theirs",partition="0"} 4',
  ].join('\n');
  expect(shareOf('repartition', page)).toEqual({ partitions: [0, 1], lag: 7 });
});

test('where nothing is said there is nothing', () => {
  expect(shareOf('rollup', '')).toBeUndefined();
  expect(shareOf('ingest', 'tidemark_rollup_lag_records{task="rollup-2"} 7')).toBeUndefined();
});

test('lag of stores goes by their addresses', () => {
  const page = [
    'tidemark_query_store_lag_records{store="http://127.0.0.1:9477",zone="a"} 0',
    'tidemark_query_store_lag_records{store="http://127.0.0.1:9479",zone="b"} 12',
  ].join('\n');
  expect([...storeLags(page)]).toEqual([
    ['http://127.0.0.1:9477', 0],
    ['http://127.0.0.1:9479', 12],
  ]);
});
