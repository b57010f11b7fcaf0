import { expect, test } from 'vitest';
import { AlertTemplate, alertFunctions, type QueryAnswers, QueryWanted } from './alert-template.ts';
import type { QuerySample } from './prometheus-functions.ts';

const sample = (labels: Record<string, string>, value: number): QuerySample => ({
  labels: new Map(Object.entries(labels)),
  value,
});
const ANSWERS: QueryAnswers = new Map<string, readonly QuerySample[] | Error>([
  ['up', [sample({ __name__: 'up', instance: 'b', job: 'x' }, 1), sample({ instance: 'a', __value__: 'seven' }, 11)]],
  ['none', []],
  ['broken', new Error('no such thing')],
]);

function expanded(text: string, value = 1234567.5, answers = ANSWERS): string {
  return new AlertTemplate('High', text).expand(
    {
      labels: new Map([['instance', 'web1.example.org:9100']]),
      value,
      externalLabels: new Map([['zone', 'eu']]),
      externalUrl: 'http://tide.example:9470/prefix',
    },
    alertFunctions('http://tide.example:9470/prefix', 1_700_000_000_500, answers),
  ).text;
}

test.each([
  ['no template', 'no template'],
  ['{{ $labels.instance }} {{ .Labels.nope }}{{ $value }}', 'web1.example.org:9100 1.2345675e+06'],
  ['{{ $externalLabels.zone }} {{ .ExternalLabels.zone }} {{ $externalURL }}', 'eu eu http://tide.example:9470/prefix'],
  ['{{ query "up" | len }}{{ range query "up" }} {{ .Labels.instance }}={{ .Value }}{{ end }}', '2 b=1 a=11'],
  ['{{ with query "up" }}{{ . | first | value }} {{ . | first | label "job" }}{{ end }}', '1 x'],
  ['{{ range query "up" | sortByLabel "instance" }}{{ .Labels.instance }}{{ end }}', 'ab'],
  ['{{ (index (query "up") 1) | strvalue }}', 'seven'],
  ['{{ range query "none" }}x{{ else }}nothing{{ end }}', 'nothing'],
  [
    '{{ externalURL }} {{ pathPrefix }} {{ graphLink "a b" }} {{ tableLink "up" }}',
    'http://tide.example:9470/prefix /prefix /graph?g0.expr=a+b&g0.tab=0 /graph?g0.expr=up&g0.tab=1',
  ],
  ['{{ title "aa bB c-d" }} {{ toUpper "aBc" }} {{ toLower "aBc" }}', 'Aa BB C-D ABC abc'],
  [
    '{{ match "a+" "caab" }} {{ match "^a" "b" }} {{ reReplaceAll "(.*):\\\\d+" "$1" $labels.instance }}',
    'true false web1.example.org',
  ],
  [
    '{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }} {{ stripPort "[::1]:90" }} {{ stripPort "x" }}',
    'web1.example.org web1:9100 ::1 x',
  ],
  [
    '{{ stripDomain "web1.example.org" }} {{ stripDomain "10.0.0.1:80" }} {{ stripPort "::1" }}',
    'web1 10.0.0.1:80 ::1',
  ],
  [
    '{{ humanize $value }} {{ humanize1024 $value }} {{ humanize "123" }} {{ humanize 0.00000012 }} {{ humanize 999.96 }}',
    '1.235M 1.177Mi 123 120n 1000',
  ],
  ['{{ humanize 0.0 }} {{ humanize1024 0.5 }} {{ humanize1024 1048576 }} {{ humanize -12345 }}', '0 0.5 1Mi -12.35k'],
  [
    '{{ humanizeDuration 0 }} {{ humanizeDuration 1 }} {{ humanizeDuration 60 }} {{ humanizeDuration 3600 }} {{ humanizeDuration 90061 }}',
    '0s 1s 1m 0s 1h 0m 0s 1d 1h 1m 1s',
  ],
  [
    '{{ humanizeDuration 0.1 }} {{ humanizeDuration -0.0001 }} {{ humanizeDuration 899.99 }} {{ humanizeDuration 12.3456 }} {{ humanizeDuration "-90" }}',
    '100ms -100us 14m 59s 12.35s -1m 30s',
  ],
  [
    '{{ humanizePercentage -0.22222 }} {{ humanizePercentage "0.1234567" }} {{ 1.0 | humanizePercentage }}',
    '-22.22% 12.35% 100%',
  ],
  [
    '{{ humanizeTimestamp 1435065584.128 }} {{ (toTime 1435065584.128).Format "2006" }} {{ 0 | toTime }}',
    '2015-06-23 13:19:44.128 +0000 UTC 2015 1970-01-01 00:00:00 +0000 UTC',
  ],
  [
    '{{ parseDuration "1h30m" }} {{ parseDuration "1m" | humanizeDuration }} {{ now }} {{ toDuration 90 }}',
    '5400 1m 0s 1.7000000005e+09 1m30s',
  ],
  [
    '{{ define "x" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template "x" (args 1 "b") }} {{ tmpl "x" (args 2 3) | printf "<%s>" }}',
    '1-b <2-3>',
  ],
  ['{{ safeHtml "<b>" }} {{ urlQueryEscape "a b/c" }}', '<b> a+b%2Fc'],
])('%s -> %s', (text, expected) => {
  expect(expanded(text)).toBe(expected);
});

test.each([
  ['{{ query "none" | first }}', 'error calling first: first() called on vector with no elements'],
  ['{{ query "broken" }}', 'error calling query: no such thing'],
  ['{{ $labels.instance | humanize }}', 'strconv.ParseFloat: parsing "web1.example.org:9100": invalid syntax'],
  ['{{ $labels.a.b }}', "can't evaluate field b in type string"],
  ['{{ humanizeDuration true }}', "can't convert bool to float"],
  ['{{ reReplaceAll "(" "" "x" }}', 'error calling reReplaceAll: error parsing regexp'],
  ['{{ humanizeTimestamp 1e300 }}', 'overflows int64'],
  ['{{ template "x" }}', 'template "x" not defined'],
])('%s says in its place what is wrong: %s', (text, why) => {
  const result = expanded(text);
  expect(result).toContain(
    '<error expanding template: error executing template __alert_High: template: __alert_High:1:',
  );
  expect(result).toContain(why);
});

test.each([
  ['{{ $label.foo }}', 'template: __alert_High:1: undefined variable "$label"'],
  ['a\n{{ humanise $value }}', 'template: __alert_High:2: function "humanise" not defined'],
  ['{{ if $value }}x', 'template: __alert_High:1: unexpected EOF'],
])('%s is refused when it is read: %s', (text, why) => {
  expect(() => new AlertTemplate('High', text)).toThrow(
    expect.objectContaining({ code: 'TEMPLATE_INVALID', message: why }),
  );
});

test('a question that has no answer yet is named', () => {
  expect(() => expanded('{{ query "sum(up)" }}')).toThrow(
    expect.objectContaining({ constructor: QueryWanted, expression: 'sum(up)' }),
  );
});
