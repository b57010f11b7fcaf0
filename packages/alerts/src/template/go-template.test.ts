import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { goExponent, goFloat } from './go-float.ts';
import { GoDuration, GoTime } from './go-time.ts';
import { TemplateSet } from './template-set.ts';
import { GoFunction, GoNamed, type GoValue, safeHtml } from './value.ts';

// What Go 1.26's text/template and html/template make of these templates is in testdata/go-templates.json, errors word for
// word (`fails`: Go refuses it too, in words of its own). The data there and here is the same.

interface Case {
  readonly template: string;
  readonly html?: boolean;
  readonly result?: string;
  readonly error?: string;
  readonly fails?: boolean;
}

const CASES = JSON.parse(
  readFileSync(new URL('../../testdata/go-templates.json', import.meta.url), 'utf8'),
) as readonly Case[];

const textMap = (record: Record<string, string>) => new Map(Object.entries(record));
const kv = (record: Record<string, string>) =>
  new GoNamed('main.KV', {
    entries: textMap(record),
    zero: '',
    methods: {
      Names: new GoFunction([], () => ['a', 'b']),
      Get: new GoFunction(['string', 'int'], ([key, n]) => `${record[key as string]}${n}`),
    },
  });
const alert = (status: string, labels: GoNamed, startsAt: number, n: bigint, f: number) =>
  new GoNamed('main.Alert', {
    fields: { Status: status, Labels: labels, StartsAt: new GoTime(startsAt), N: n, F: f },
  });

const DATA = new GoNamed('main.Data', {
  fields: {
    Labels: textMap({ instance: 'web1:9100', job: 'node' }),
    Value: 1234567.5,
    List: ['x', 'y', 'z'],
    Nums: [3n, 1n, 2n],
    Alerts: new GoNamed('[]main.Alert', {
      items: [
        alert('firing', kv({ a: '1' }), Date.UTC(2024, 2, 5, 14, 7, 9, 123), 7n, 0.25),
        alert('resolved', kv({ b: '2' }), Date.UTC(2023, 11, 31), 8n, 1e9),
      ],
    }),
    KV: kv({ k: 'v', a: '<b>' }),
    Any: undefined,
    Dur: new GoDuration(3_723_500),
    Nested: new GoNamed('map[string]interface {}', {
      entries: new Map<string, GoValue>([
        ['s', 't'],
        ['n', 1n],
      ]),
    }),
  },
});

const FUNCTIONS = {
  up: new GoFunction(['string'], ([text]) => (text as string).toUpperCase()),
  join: new GoFunction(['string', '[]string'], ([by, list]) => (list as string[]).join(by as string)),
  boom: new GoFunction([], () => {
    throw new Error('boom!');
  }),
  half: new GoFunction(['float64'], ([value]) => (value as number) / 2),
  plus: new GoFunction(['int', 'int'], ([a, b]) => (a as bigint) + (b as bigint)),
  strs: new GoFunction([], (texts) => texts, 'string'),
  safeHtml: new GoFunction(['string'], ([text]) => safeHtml(text as string)),
};

function made({ template, html = false }: Case): Pick<Case, 'result' | 'error'> {
  const set = new TemplateSet([], { functions: FUNCTIONS });
  try {
    return { result: html ? set.html(template, DATA, { name: 't' }) : set.text(template, DATA, { name: 't' }) };
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^TEMPLATE_(INVALID|FAILED)$/) });
    return { error: (error as Error).message };
  }
}

test.each(CASES)('$template', (one) => {
  const { template: _, html: __, fails, ...expected } = one;
  if (fails) expect(made(one).error).toMatch(/^template: t:/);
  else expect(made(one)).toEqual(expected);
});

test('there are as many cases as there were', () => {
  expect(CASES.length).toBeGreaterThan(150);
});

test.each([
  ['{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}', 'exceeded maximum template depth'],
  ['{{ range 10000 }}{{ range 10000 }}{{ end }}{{ end }}', 'more than 1000000 steps'],
  ['{{ $x := "0123456789" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}', 'more than 4194304 characters'],
  ['{{ range 999999 }}0123456789{{ end }}', 'more than'],
  ['{{ printf "%999999d%999999d%999999d%999999d%999999d" 1 1 1 1 1 }}', 'more than 4194304 characters'],
  ['{{ printf "%*d" 999999999 1 | len }}{{ range 9 }}{{ printf "%999999s" "" }}{{ end }}', 'more than'],
])('%s ends: %s', (template, why) => {
  expect(made({ template }).error).toContain(why);
});

test('nesting without end is refused before it costs the stack', () => {
  const deep = `${'{{ if true }}'.repeat(5000)}${'{{ end }}'.repeat(5000)}`;
  expect(made({ template: deep }).error).toContain('levels of nesting');
  expect(made({ template: `{{ ${'('.repeat(5000)}1${')'.repeat(5000)} }}` }).error).toContain('levels of nesting');
});

test('templates of files are known to one another, and what a later file says counts', () => {
  const set = new TemplateSet(
    [
      {
        name: 'a.tmpl',
        text: '{{ define "greet" }}hello {{ template "who" . }}{{ end }}{{ define "who" }}old{{ end }}',
      },
      { name: 'b.tmpl', text: '{{ define "who" }}{{ .Labels.job }}{{ end }}' },
    ],
    { functions: FUNCTIONS },
  );
  expect(set.has('greet')).toBe(true);
  expect(set.text('{{ template "greet" . }}!', DATA)).toBe('hello node!');
  expect(() => new TemplateSet([{ name: 'c.tmpl', text: 'a\n{{ nope }}' }], { functions: {} })).toThrow(
    'template: c.tmpl:2: function "nope" not defined',
  );
});

test('bytes of a piece may come apart anywhere in the HTML', () => {
  const pieces =
    '<a hr|ef="|{{ .KV.a }}|" title=|"|{{ .KV.a }}|"|><!|-- x --|>|{{ .KV.a }}|</a><scr|ipt>|{{ .KV.a }}|</scr|ipt>';
  const whole = made({ template: pieces.replaceAll('|', ''), html: true }).result;
  const apart = made({ template: pieces.replaceAll('|', '{{ if true }}{{ end }}'), html: true }).result;
  expect(apart).toBe(whole);
  expect(whole).toContain('title="&lt;b&gt;">&lt;b&gt;</a>');
});

test('labels called like the parts of an object are labels', () => {
  const set = new TemplateSet([], { functions: {} });
  const labels = new Map([['constructor', 'c']]);
  expect(set.text('{{ .constructor }}{{ .__proto__ }}{{ .toString }}', labels)).toBe('c');
  expect(() => set.text('{{ constructor 1 }}', labels)).toThrow('function "constructor" not defined');
});

test.each([
  [0, '0', '0e+00'],
  [-0, '-0', '-0e+00'],
  [1, '1', '1e+00'],
  [123456, '123456', '1.23456e+05'],
  [123456789, '1.23456789e+08', '1.23456789e+08'],
  [0.0001, '0.0001', '1e-04'],
  [0.00001, '1e-05', '1e-05'],
  [1e21, '1e+21', '1e+21'],
  [-2.5e-10, '-2.5e-10', '-2.5e-10'],
  [1e300, '1e+300', '1e+300'],
  [Number.NaN, 'NaN', 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf', '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf', '-Inf'],
])('%d prints as Go prints it', (value, plain, exponent) => {
  expect([goFloat(value), goExponent(value)]).toEqual([plain, exponent]);
});
