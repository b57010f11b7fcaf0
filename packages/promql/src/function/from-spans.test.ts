import { type Random, seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { makeSpans, SPAN_COLUMNS, type Spans } from '../value/spans.ts';
import { columnsRead, FROM_SPANS } from './from-spans.ts';

// What a function says it reads of spans is all it reads: without the rest it answers the same.

const SPANS = 12;

function randomSpans(random: Random): Spans {
  const spans = makeSpans(SPANS, SPANS);
  let ms = 0;
  for (let i = 0; i < SPANS; i++) {
    for (const column of SPAN_COLUMNS) spans[column][i] = random.below(1000) / 4;
    const count = 1 + random.below(5);
    spans.count[i] = count;
    spans.firstMs[i] = ms + 1 + random.below(1000);
    spans.lastMs[i] = (spans.firstMs[i] as number) + (count - 1) * (1 + random.below(2000));
    ms = spans.lastMs[i] as number;
  }
  return spans;
}

test.each([...FROM_SPANS.keys()])('%s reads no column that it does not name', (name) => {
  const random = seededRandom(5);
  const reduce = FROM_SPANS.get(name);
  let answered = 0;
  for (let round = 0; round < 300; round++) {
    const all = randomSpans(random);
    const some = makeSpans(SPANS, SPANS, columnsRead(name));
    for (const column of columnsRead(name)) some[column].set(all[column]);
    const from = random.below(SPANS);
    const to = from + 1 + random.below(SPANS - from);
    // Often inside the first and the last span, so that both are cut.
    const within = (i: number) =>
      (all.firstMs[i] as number) - 500 + random.below((all.lastMs[i] as number) - (all.firstMs[i] as number) + 1000);
    const edges = { afterMs: within(from), untilMs: within(to - 1) };
    const expected = reduce?.({ spans: all, from, to, ...edges });
    expect(reduce?.({ spans: some, from, to, ...edges })).toEqual(expected);
    if (expected !== undefined && !Number.isNaN(expected)) answered++;
  }
  expect(answered).toBeGreaterThan(100);
});
