import { expect, test } from 'vitest';
import { type Fall, unexplained } from './falls.ts';

const ABSENCE = { fromMs: 10_000, toMs: 20_000 };
const LOST: Fall = {
  name: 'store-0',
  wasReady: false,
  atMs: 15_000,
  words: `info can reach the log again failures=2
tidemark: look up topic tidemark.raw: no answer from Kafka (127.0.0.1:9092: Connection error: connect ECONNREFUSED)
`,
};

const cases: readonly [what: string, fall: Partial<Fall>, isExplained: boolean][] = [
  ['its broker was lost while it started', {}, true],
  ['and that was seen a little later', { atMs: 25_000 }, true],
  ['no broker was away yet', { atMs: 9_000 }, false],
  ['the broker was long back', { atMs: 40_000 }, false],
  ['it was ready and works without brokers', { wasReady: true }, false],
  [
    'the broker was missed, but is not what ended it',
    { words: `${LOST.words}tidemark: Tidemark stopped: ours\n` },
    false,
  ],
  ['another reason', { words: 'tidemark: the rollup stopped: task 0: fenced' }, false],
  ['no reason', { words: '' }, false],
];
test.each(cases)('%s', (_, fall, isExplained) => {
  expect(unexplained([{ ...LOST, ...fall }], [ABSENCE]).length === 0).toBe(isExplained);
});

test('one that is not explained is told, whatever else fell', () => {
  const other: Fall = { ...LOST, name: 'ingest', wasReady: true };
  expect(unexplained([LOST, other, LOST], [ABSENCE])).toEqual([other]);
  expect(unexplained([LOST], [])).toEqual([LOST]);
});
