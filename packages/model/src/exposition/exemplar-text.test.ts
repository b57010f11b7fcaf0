import { expect, test } from 'vitest';
import { exemplarLabelBytes } from '../batch/exemplar-builder.ts';
import { decodeLabels, formatLabels } from '../labels.ts';
import { parseExposition } from './text.ts';

const NOW_MS = 1_700_000_000_000;

function parsed(lines: readonly string[], openMetrics = true) {
  const page = new TextEncoder().encode(`${lines.join('\n')}\n# EOF\n`);
  const { batch, exemplarsMalformed } = parseExposition(page, { tenant: 't', nowMs: NOW_MS, openMetrics });
  const { exemplars, values } = batch.build(NOW_MS);
  const read = [...(exemplars?.values ?? [])].map((value, i) => ({
    labels: formatLabels(decodeLabels(exemplarLabelBytes(exemplars as NonNullable<typeof exemplars>, i))),
    value,
    atMs: exemplars?.timestampsMs[i],
    hasNoTime: exemplars?.hasNoTime?.[i] === 1,
  }));
  return { samples: values.length, read, exemplarsMalformed };
}

test.each<[string, object]>([
  ['a_total 1 # {trace_id="x"} 0.5', { labels: '{trace_id="x"}', value: 0.5, atMs: NOW_MS, hasNoTime: true }],
  ['a_total 1 12.5 # {b="2",a="1"} 3', { labels: '{a="1", b="2"}', value: 3, atMs: 12_500, hasNoTime: true }],
  ['a_total 1 # {a="\\"}# "} +Inf 7.25', { labels: '{a="\\"}# "}', value: Number.POSITIVE_INFINITY, atMs: 7250 }],
  ['a_total 1 # {} 1 1520879607.789', { labels: '{}', value: 1, atMs: 1_520_879_607_789, hasNoTime: false }],
  ['a_total 1 # {a="",b="c"} NaN 1', { labels: '{b="c"}', value: Number.NaN, atMs: 1000 }],
])('%s', (line, exemplar) => {
  expect(parsed([line])).toMatchObject({ samples: 1, read: [exemplar], exemplarsMalformed: 0 });
});

test.each([
  'a_total 1 # {a="1"}',
  'a_total 1 # {a="1"} x',
  'a_total 1 # {a="1"} 1 2 3',
  'a_total 1 # {a="1"} 1 NaN',
  'a_total 1 # {a="1" 1',
  'a_total 1 # {a="1",a="2"} 1',
  'a_total 1 # {"a"} 1',
  'a_total 1 # 1',
  'a_total 1 #',
])('%s: the exemplar is left, its sample stays', (line) => {
  expect(parsed([line, 'b_total 2 # {b="1"} 2'])).toMatchObject({
    samples: 2,
    exemplarsMalformed: 1,
    read: [{ labels: '{b="1"}' }],
  });
});

test('in the older format nothing behind a sample means anything', () => {
  expect(parsed(['a_total 1 # {a="1"} 1'], false)).toEqual({ samples: 1, read: [], exemplarsMalformed: 0 });
});
