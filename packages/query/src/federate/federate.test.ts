import { labelsOf, type MetricMetadata } from '@tidemark/model';
import { expect, test } from 'vitest';
import { type Escaping, escapeName } from './escape-name.ts';
import { familiesOf } from './families.ts';
import { negotiate } from './negotiate.ts';
import { familyText, goFloat } from './write-text.ts';

test.each<[string, string, string, string]>([
  ['up', 'up', 'up', 'up'],
  ['my_metric', 'my_metric', 'my__metric', 'my_metric'],
  ['my.name', 'my_name', 'my_dot_name', 'U__my_2e_name'],
  ['my_na.me', 'my_na_me', 'my__na_dot_me', 'U__my__na_2e_me'],
  ['0lead', '_lead', '__lead', 'U___30_lead'],
  ['zürich 😀', 'z_rich__', 'z__rich____', 'U__z_fc_rich_20__1f600_'],
])('%s escaped', (name, underscores, dots, values) => {
  expect(escapeName(name, 'underscores')).toBe(underscores);
  expect(escapeName(name, 'dots')).toBe(dots);
  expect(escapeName(name, 'values')).toBe(values);
  expect(escapeName(name, 'allow-utf-8')).toBe(name);
});

test.each<[string | undefined, string, Escaping]>([
  [undefined, '0.0.4', 'underscores'],
  ['*/*', '0.0.4', 'underscores'],
  ['text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5', '1.0.0', 'allow-utf-8'],
  ['application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;escaping=dots;q=0.5', '0.0.4', 'dots'],
  ['text/plain; version=0.0.4; escaping=values', '0.0.4', 'values'],
  ['text/plain;version=7;q=1,text/plain;version=0.0.4;q=0.1', '0.0.4', 'underscores'],
  ['text/plain;q=0', '0.0.4', 'underscores'],
])('Accept: %s', (accept, version, escaping) => {
  expect(negotiate(accept)).toEqual({
    contentType: `text/plain; version=${version}; charset=utf-8; escaping=${escaping}`,
    escaping,
  });
});

test.each([
  [0, '0'],
  [-0, '-0'],
  [1, '1'],
  [0.1, '0.1'],
  [999_999, '999999'],
  [1_000_000, '1e+06'],
  [123_456_789, '1.23456789e+08'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [1.7e308, '1.7e+308'],
  [-2.5e-7, '-2.5e-07'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
])('%d is %s', (value, text) => expect(goFloat(value)).toBe(text));

const known: readonly MetricMetadata[] = [
  { metric: 'lat', type: 'histogram', unit: '', help: 'How long.\nReally.' },
  { metric: 'size', type: 'summary', unit: '', help: '' },
  { metric: 'req', type: 'counter', unit: '', help: '' },
  { metric: 'temp', type: 'gauge', unit: '', help: '' },
  { metric: 'odd', type: 'histogram', unit: '', help: '' },
  { metric: 'build', type: 'info', unit: '', help: '' },
];

async function written(
  series: readonly Readonly<Record<string, string>>[],
  escaping: Escaping = 'underscores',
): Promise<string> {
  const samples = series.map((labels, i) => ({ labels: labelsOf(labels), timestampMs: 1000 + i, value: i }));
  const families = await familiesOf(
    samples,
    't',
    async ({ metrics }) =>
      known.filter(({ metric }) => metrics?.includes(metric)).map((one) => ({ metric: one.metric, entries: [one] })),
    new AbortController().signal,
  );
  const external = [
    { name: 'instance', value: '' },
    { name: 'site', value: 'a"b' },
  ];
  return families.flatMap((family) => [...familyText(family, external, escaping)]).join('');
}

test('families with types, own labels before external ones, escapes', async () => {
  const text = await written([
    { __name__: 'temp', where: 'in\n"\\' },
    { __name__: 'lat_sum', instance: 'i' },
    { __name__: 'lat_bucket', le: '1', instance: 'i', site: 's' },
    { __name__: 'size', quantile: '0.5' },
    { __name__: 'size_count' },
    { __name__: 'req_total' },
    { __name__: 'unheard' },
    { __name__: 'odd' },
    { __name__: 'odd_sum' },
    { __name__: 'build' },
    { nameless: 'x' },
  ]);
  expect(text).toBe(`# TYPE build untyped
build{instance="",site="a\\"b"} 9 1009
# HELP lat How long.\\nReally.
# TYPE lat histogram
lat_bucket{instance="i",le="1",site="s"} 2 1002
lat_sum{instance="i",site="a\\"b"} 1 1001
# TYPE odd untyped
odd{instance="",site="a\\"b"} 7 1007
# TYPE odd_sum untyped
odd_sum{instance="",site="a\\"b"} 8 1008
# TYPE req_total counter
req_total{instance="",site="a\\"b"} 5 1005
# TYPE size summary
size{quantile="0.5",instance="",site="a\\"b"} 3 1003
size_count{instance="",site="a\\"b"} 4 1004
# TYPE temp gauge
temp{where="in\\n\\"\\\\",instance="",site="a\\"b"} 0 1000
# TYPE unheard untyped
unheard{instance="",site="a\\"b"} 6 1006
`);
});

test('names of other characters: quoted for those who know them, escaped for others', async () => {
  const series = [{ __name__: 'my.metric', 'a.b': 'x', instance: 'i', site: 's' }];
  expect(await written(series, 'allow-utf-8')).toBe(
    '# TYPE "my.metric" untyped\n{"my.metric","a.b"="x",instance="i",site="s"} 0 1000\n',
  );
  expect(await written(series, 'values')).toBe(
    '# TYPE U__my_2e_metric untyped\nU__my_2e_metric{U__a_2e_b="x",instance="i",site="s"} 0 1000\n',
  );
});
