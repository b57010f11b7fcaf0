import { existsSync, readFileSync } from 'node:fs';
import { ByteWriter, isTidemarkError } from '@tidemark/base';
import { expect, test } from 'vitest';
import { METRIC_TYPES, sectionLabels } from '../batch/series-section.ts';
import { formatLabels } from '../labels.ts';
import { ExpositionReader, parseExposition } from './text.ts';

const NOW = 1_700_000_000_000;

interface Line {
  readonly series: string;
  readonly value: number;
  readonly at: number;
  readonly type: string;
}

function parse(page: string | Uint8Array, options: { openMetrics?: boolean; lenient?: boolean } = {}) {
  const problems: string[] = [];
  const { batch, metadata } = parseExposition(typeof page === 'string' ? Buffer.from(page, 'utf8') : page, {
    tenant: 'default',
    nowMs: NOW,
    keepMetadata: true,
    ...(options.openMetrics ? { openMetrics: true } : {}),
    ...(options.lenient ? { onProblem: (problem) => problems.push(problem.message) } : {}),
  });
  const { series, sampleSeries, timestampsMs, values } = batch.build(NOW);
  const lines: Line[] = [...values].map((value, i) => {
    const index = sampleSeries[i] as number;
    return {
      series: formatLabels(sectionLabels(series, index)),
      value,
      at: timestampsMs[i] as number,
      type: METRIC_TYPES[series.types[index] as number] as string,
    };
  });
  return { lines, metadata, problems };
}

function complaint(page: string | Uint8Array, options: { openMetrics?: boolean } = {}): string {
  try {
    parse(page, options);
  } catch (error) {
    if (isTidemarkError(error, 'EXPOSITION_MALFORMED')) return error.message;
    throw error;
  }
  return 'nothing';
}

test.each([
  ['a 1', 'a', 1],
  ['a{} 1', 'a', 1],
  ['a 1.5e3', 'a', 1500],
  ['  a\t\t-0.25  ', 'a', -0.25],
  ['a:b_C9 +7\r', 'a:b_C9', 7],
  ['a +Inf', 'a', Number.POSITIVE_INFINITY],
  ['a -inf', 'a', Number.NEGATIVE_INFINITY],
  ['a NaN', 'a', Number.NaN],
  ['a{x="1",y="2"} 3', 'a{x="1", y="2"}', 3],
  ['a{y="2",x="1",} 3', 'a{x="1", y="2"}', 3],
  ['a { x = "1" , y = "2" } 3', 'a{x="1", y="2"}', 3],
  ['a{x="1"}3', 'a{x="1"}', 3],
  ['a{x=""} 3', 'a', 3],
  ['a{x="}, \\" # \\\\ \\n \\t"} 3', `a{x=${JSON.stringify('}, " # \\ \n \\t')}}`, 3],
  ['a{x="größe"} 3', 'a{x="größe"}', 3],
  ['{"cpu.load",x="1"} 3', 'cpu.load{x="1"}', 3],
  ['{"cpu.load"} 3', 'cpu.load', 3],
  ['a{"k8s.pod"="1"} 3', 'a{k8s.pod="1"}', 3],
  ['{__name__="dumped",x="1"} 3', 'dumped{x="1"}', 3],
  ['a 1 # {trace_id="x"} 0.5', 'a', 1],
])('%s', (line, series, value) => {
  expect(parse(line).lines).toEqual([{ series, value, at: NOW, type: 'unknown' }]);
});

test('timestamps are milliseconds, and seconds in OpenMetrics', () => {
  expect(parse('a 1 1700000000123\nb 2').lines.map((line) => line.at)).toEqual([1700000000123, NOW]);
  expect(parse('a 1 1700000000.123\n# EOF\n', { openMetrics: true }).lines[0]?.at).toBe(1700000000123);
  expect(parse('a 1 -5').lines[0]?.at).toBe(-5);
  expect(parse('a 1 12345678901234567890.5\n# EOF', { openMetrics: true }).lines[0]?.at).toBe(Number.MAX_SAFE_INTEGER);
});

test('an OpenMetrics page that was cut, or goes on behind its end, is known by its # EOF', () => {
  expect(complaint('a 1\n# EOF', { openMetrics: true })).toBe('nothing');
  expect(complaint('a 1\n', { openMetrics: true })).toBe('line 1: the page does not end with "# EOF": was it cut?');
  expect(complaint('', { openMetrics: true })).toBe('line 0: the page does not end with "# EOF": was it cut?');
  expect(complaint('a 1\n# EOF\nb 2', { openMetrics: true })).toBe(
    'line 2: something stands behind "# EOF", which ends the page',
  );
  const lenient = parse('a 1\nb', { openMetrics: true, lenient: true });
  expect(lenient.lines.map((line) => line.series)).toEqual(['a']);
  expect(lenient.problems).toHaveLength(2);
});

test('labels as exposed keep those that are empty', () => {
  const reader = new ExpositionReader(Buffer.from('a{z="1",b=""} 2'));
  const out = new ByteWriter(64);
  expect(reader.next()).toBe(true);
  reader.writeExposedLabels(out);
  expect(Buffer.from(out.view()).toString('latin1')).toBe('\x08__name__\x01a\x01b\x00\x01z\x011');
});

test('types go to the series of their family, and to no other', () => {
  const { lines } = parse(
    [
      '# TYPE http_requests_total counter',
      'http_requests_total 1',
      'http_requests_total_more 1',
      '# TYPE lat histogram',
      'lat_bucket{le="1"} 1',
      'lat_sum 1',
      'lat_count 1',
      'lat_other 1',
      '# TYPE t gauge',
      't 1',
      't_sum 1',
      '# TYPE "cpu.load" gauge',
      '{"cpu.load",a="b"} 1',
      '# TYPE old untyped',
      'old 1',
    ].join('\n'),
  );
  expect(lines.map((line) => [line.series, line.type])).toEqual([
    ['http_requests_total', 'counter'],
    ['http_requests_total_more', 'unknown'],
    ['lat_bucket{le="1"}', 'histogram'],
    ['lat_sum', 'histogram'],
    ['lat_count', 'histogram'],
    ['lat_other', 'unknown'],
    ['t', 'gauge'],
    ['t_sum', 'unknown'],
    ['cpu.load{a="b"}', 'gauge'],
    ['old', 'unknown'],
  ]);
});

test('metadata is kept when wanted', () => {
  const page =
    '# HELP a One \\\\ two\\nthree.\n# TYPE a counter\n# UNIT a seconds\n# just words\n#\na 1\n# HELP b\nb 1';
  expect(parse(page).metadata).toEqual([
    { metric: 'a', type: 'counter', unit: 'seconds', help: 'One \\ two\nthree.' },
    { metric: 'b', type: 'unknown', unit: '', help: '' },
  ]);
});

test.each([
  ['a', 'line 1: the sample has no value'],
  ['ok 1\na{x="1"', 'line 2: the labels "{x=\\"1\\"" are not closed: a quote or "}" is missing'],
  ['a{x="1} 3', 'line 1: the labels "{x=\\"1} 3" are not closed: a quote or "}" is missing'],
  ['a{x=1} 3', 'line 1: the value of label "x" must stand in double quotes'],
  ['a{x} 3', 'line 1: "=" is missing after label "x"'],
  ['a{x="1" y="2"} 3', 'line 1: "," or "}" is missing between labels'],
  ['a{,} 3', 'line 1: ",}" is no label; names with other characters than A-Z a-z 0-9 _ stand in double quotes'],
  [
    'a{1x="1"} 3',
    'line 1: "1x=\\"1\\"}" is no label; names with other characters than A-Z a-z 0-9 _ stand in double quotes',
  ],
  ['a{x="1",x="2"} 3', 'line 1: the label "x" stands twice'],
  ['a{""="2"} 3', 'line 1: a label has an empty name'],
  ['{x="2"} 3', 'line 1: the series has no metric name'],
  ['{""} 3', 'line 1: the metric name is empty'],
  ['a one', 'line 1: the value "one" is no number'],
  ['a 0x10', 'line 1: the value "0x10" is no number'],
  ['a 1_000', 'line 1: the value "1_000" is no number'],
  ['a 1 2.5', 'line 1: the timestamp "2.5" is not a whole number of milliseconds'],
  ['a 1 2 3', 'line 1: "3" is not expected after the timestamp'],
  ['9a 1', 'line 1: a metric name does not begin with a digit: "9a 1"'],
  [
    'cpu.load 1',
    'line 1: "cpu.load" is no metric name: with other characters than A-Z a-z 0-9 _ : it is written {"cpu.load"}, labels inside the same braces',
  ],
  [
    '# TYPE a meter\na 1',
    'line 1: "meter" is no metric type; types are untyped, unknown, gauge, stateset, counter, summary, histogram, gaugehistogram, info',
  ],
  ['# TYPE {} gauge', 'line 1: # TYPE is not followed by a metric name: " {} gauge"'],
])('%s is refused with the line and what to mend', (page, message) => {
  expect(complaint(page)).toBe(message);
});

test('text that is not UTF-8 is refused', () => {
  const page = Buffer.concat([Buffer.from('a{x="'), Buffer.from([0xff, 0xfe]), Buffer.from('"} 1')]);
  expect(complaint(page)).toBe('line 1: the value "\ufffd\ufffd" is not valid UTF-8');
});

test('with somebody to tell, a bad line costs only itself', () => {
  const { lines, problems } = parse('a 1\nb one\nc{ 2\n# TYPE d meter\nd 4\ne{x="1",x="1"} 1\nf 5', { lenient: true });
  expect(lines.map((line) => line.series)).toEqual(['a', 'd', 'f']);
  expect(problems.map((problem) => problem.split(':')[0])).toEqual(['line 2', 'line 3', 'line 4', 'line 6']);
});

test('any cut of a page, and any flipped bit, is parsed or refused with a line', () => {
  const page = Buffer.from(
    '# HELP a h\n# TYPE a counter\na{x="1\\n",y="ü"} 1.5e3 123 # {t="1"} 2\n{"b.c","d.e"="f"} +Inf\n',
  );
  for (let cut = 0; cut <= page.length; cut++) complaint(page.subarray(0, cut));
  for (let bit = 0; bit < page.length * 8; bit++) {
    const bent = Buffer.from(page);
    bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7));
    complaint(bent);
    complaint(bent, { openMetrics: true });
  }
});

// Pages of the Prometheus project. They are no part of this repository: they are looked for in the folder that holds the
// checks shared by several checkouts; where it isn't, this says so and reads nothing.
const SHARED = new URL('../../../../../shared/conformance/exposition/', import.meta.url);

test.for<[string, boolean, number]>([
  ['prometheus/alltypes.237mfs.prom.txt', false, 237],
  ['prometheus/alltypes.237mfs.nometa.prom.txt', false, 0],
  ['prometheus/alltypes.5mfs.om.txt', true, 5],
  ['prometheus/1histogram.om.txt', true, 1],
  ['promtool/metrics-test.prom', false, 4],
  ['promtool/dump-openmetrics-test.prom', true, 0],
  ['promtool/dump-openmetrics-roundtrip-test.prom', true, 0],
  ['promtool/dump-test-1.prom', false, 0],
])('%s is read whole', ([name, openMetrics, families], { annotate }) => {
  const file = new URL(name, SHARED);
  if (!existsSync(file)) return void annotate(`no ${SHARED.pathname}: nothing was read`);
  const page = readFileSync(file);
  const { lines, metadata } = parse(page, { openMetrics });
  const naive = page
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines).toHaveLength(naive.length);
  expect(metadata.filter((one) => one.type !== 'unknown' || one.help !== '')).toHaveLength(families);
  // No exemplars in these, and no blanks but in label values: the value is the first word behind the last brace.
  lines.forEach((line, i) => {
    const text = naive[i] as string;
    const tail = text.slice(text.lastIndexOf('}', text.includes(' # {') ? text.indexOf(' # {') : undefined) + 1).trim();
    const word = text.includes('}') ? tail.split(' ')[0] : text.split(' ')[1];
    expect(line.value).toBe(Number((word as string).replace('Inf', 'Infinity')));
  });
});
