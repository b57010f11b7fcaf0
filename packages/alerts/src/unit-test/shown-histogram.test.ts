import { parseSeriesLine, toNative } from '@tidemark/promql';
import { expect, test } from 'vitest';
import { shownHistogram } from './shown-histogram.ts';

function shown(text: string): string {
  const [point] = parseSeriesLine(`x ${text}`, 1).points;
  if (point?.kind !== 'histogram') throw new Error(`${text} is no histogram`);
  return shownHistogram(toNative(point.histogram));
}

test.each([
  ['{{}}', '{{}}'],
  ['{{count:2 sum:3 buckets:[2]}}', '{{count:2 sum:3 buckets:[2]}}'],
  ['{{buckets:[0 2 0 1 0] count:3 sum:3}}', '{{count:3 sum:3 offset:1 buckets:[2 0 1]}}'],
  [
    '{{schema:1 sum:-0.3 count:3.1 z_bucket:7.1 z_bucket_w:0.05 buckets:[5.1 10] offset:-3 n_buckets:[4 5] n_offset:-5}}',
    '{{schema:1 count:3.1 sum:-0.3 z_bucket:7.1 z_bucket_w:0.05 offset:-3 buckets:[5.1 10] n_offset:-5 n_buckets:[4 5]}}',
  ],
  [
    '{{schema:-53 count:3 custom_values:[1 2.5] buckets:[1 2]}}',
    '{{schema:-53 count:3 custom_values:[1 2.5] buckets:[1 2]}}',
  ],
  ['{{count:1 buckets:[1] counter_reset_hint:not_reset}}', '{{count:1 counter_reset_hint:not_reset buckets:[1]}}'],
  ['{{count:1 buckets:[1] counter_reset_hint:gauge}}', '{{count:1 counter_reset_hint:gauge buckets:[1]}}'],
])('%s', (text, wanted) => {
  expect(shown(text)).toBe(wanted);
  expect(shown(wanted)).toBe(wanted);
});
