import type { BucketSide, NativeHistogram } from '@tidemark/model';

/**
 * A native histogram as tests write one, `{{schema:1 sum:3 count:2 buckets:[2]}}`; two are equal when this is. Empty buckets at
 * the ends are left out, a hint that is not known too.
 */
export function shownHistogram(histogram: NativeHistogram): string {
  const { schema, sum, count, zeroCount, zeroThreshold, bounds, hint } = histogram;
  const fields: string[] = [];
  const say = (name: string, value: string | number) => {
    if (value !== 0 || Object.is(value, -0)) fields.push(`${name}:${Object.is(value, -0) ? '-0' : value}`);
  };
  say('schema', schema);
  say('count', count);
  say('sum', sum);
  say('z_bucket', zeroCount);
  say('z_bucket_w', zeroThreshold);
  if (bounds !== undefined) say('custom_values', `[${[...bounds].join(' ')}]`);
  if (hint !== 'unknown') say('counter_reset_hint', hint === 'no reset' ? 'not_reset' : hint);
  const sides = [
    ['buckets', 'offset', histogram.positive],
    ['n_buckets', 'n_offset', histogram.negative],
  ] as const;
  for (const [buckets, offset, side] of sides) {
    const { first, counts } = oneSpan(side);
    if (counts.length === 0) continue;
    say(offset, first);
    say(buckets, `[${counts.join(' ')}]`);
  }
  return `{{${fields.join(' ')}}}`;
}

/** The buckets from the first that is not empty to the last, those between that are left out as 0. */
function oneSpan({ spans, counts }: BucketSide): { first: number; counts: number[] } {
  const all: number[] = [];
  let first = 0;
  let at = 0;
  for (const [i, { gap, length }] of spans.entries()) {
    if (i === 0) first = gap;
    else for (let k = 0; k < gap; k++) all.push(0);
    for (let k = 0; k < length; k++) all.push(counts[at++] as number);
  }
  while (all.at(-1) === 0) all.pop();
  const empty = all.findIndex((count) => count !== 0);
  return { first: first + Math.max(0, empty), counts: all.slice(Math.max(0, empty)) };
}
