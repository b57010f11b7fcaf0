import { expect, test } from 'vitest';
import { goExponent, goFloat } from './go-float.ts';
import { parseTemplate, type TemplateData } from './template.ts';

const DATA: TemplateData = {
  labels: new Map([
    ['instance', 'web1:9100'],
    ['__proto__', 'odd'],
  ]),
  value: 0.25,
  externalLabels: new Map([['zone', 'eu']]),
  externalUrl: 'http://tidemark:9470',
};

test.each([
  ['plain text, {curly} too', 'plain text, {curly} too'],
  ['{{ $labels.instance }} is down', 'web1:9100 is down'],
  ['{{$labels.instance}}', 'web1:9100'],
  ['{{ .Labels.instance }}', 'web1:9100'],
  ['[{{ $labels.missing }}]', '[]'],
  ['{{ $labels.__proto__ }}', 'odd'],
  ['{{ $value }} and {{ .Value }}', '0.25 and 0.25'],
  ['{{ $externalLabels.zone }}{{ .ExternalLabels.zone }}', 'eueu'],
  ['{{ $externalURL }}/graph', 'http://tidemark:9470/graph'],
  ['a {{- $value -}} b', 'a0.25b'],
  ['a {{/* a remark with }} in it */}} b', 'a  b'],
  ['{{ "{{" }} {{ `}}` }}', '{{ }}'],
])('%s', (text, filled) => {
  expect(parseTemplate(text)(DATA)).toBe(filled);
});

test.each([
  ['{{ $value | humanize }}'],
  ['{{ printf "%.2f" $value }}'],
  ['{{ if $labels.instance }}x{{ else }}y{{ end }}'],
  ['{{ range query "up" }}{{ .Labels.instance }}{{ end }}'],
  ['{{ $x := $value }}{{ $x }}'],
  ['{{ $.labels.service }}'],
  ['{{ $labels }}'],
  ['{{ (index $labels "a") }}'],
  ['{{ 1.5 }}'],
])('%s is Go, but not here yet', (text) => {
  expect(() => parseTemplate(text)).toThrow(expect.objectContaining({ code: 'TEMPLATE_UNSUPPORTED' }));
});

test.each([
  ['{{ $label.foo }}', 'undefined variable "$label"'],
  ['{{ $value', 'unclosed action'],
  ['{{ }}', 'missing value'],
  ['{{ humanise $value }}', 'function "humanise" not defined'],
  ['{{ if $value }}x', 'an {{end}} is missing'],
  ['{{ end }}', 'unexpected {{end}}'],
  ['{{ ($value }}', 'unclosed left parenthesis'],
  ['{{ $value ; }}', 'unexpected character'],
  ['{{ "unclosed }}', 'unclosed action'],
])('%s is refused: %s', (text, why) => {
  expect(() => parseTemplate(text)).toThrow(
    expect.objectContaining({ code: 'TEMPLATE_INVALID', message: expect.stringContaining(why) }),
  );
});

test.each([
  [0, '0', '0e+00'],
  [-0, '-0', '-0e+00'],
  [1, '1', '1e+00'],
  [123456789, '123456789', '1.23456789e+08'],
  [0.0001, '0.0001', '1e-04'],
  [0.00001, '1e-05', '1e-05'],
  [1e21, '1e+21', '1e+21'],
  [1e20, '100000000000000000000', '1e+20'],
  [-2.5e-10, '-2.5e-10', '-2.5e-10'],
  [1e300, '1e+300', '1e+300'],
  [Number.NaN, 'NaN', 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf', '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf', '-Inf'],
])('%d prints as Go prints it', (value, plain, exponent) => {
  expect([goFloat(value), goExponent(value)]).toEqual([plain, exponent]);
});
