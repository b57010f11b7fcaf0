import { messageOf } from '@tidemark/base';
import { type Label, type Labels, labelsOf, parseDuration } from '@tidemark/model';
import { parseSeriesLine, type SeriesLine, toNative } from '@tidemark/promql';
import type { Node } from 'yaml';
import { type YamlField, YamlReader } from '../rules/yaml-reader.ts';
import { shownHistogram } from './shown-histogram.ts';

// Files of `promtool test rules`, read into what they say:
//
//   rule_files: [rules.yml]                    beside this file
//   evaluation_interval: 1m
//   tests:
//     - name: ...  interval: 1m                between the values of a series
//       input_series: [{series: 'up{job="x"}', values: "0+0x10 stale _"}]
//       alert_rule_test: [{eval_time: 5m, alertname: Down, exp_alerts: [{exp_labels: {}, exp_annotations: {}}]}]
//       promql_expr_test: [{expr: up, eval_time: 5m, exp_samples: [{labels: 'up{job="x"}', value: 0}]}]

export interface UnitTestFile {
  readonly file: string;
  readonly ruleFiles: readonly string[];
  readonly evaluationIntervalMs: number;
  readonly groupOrder: readonly string[];
  /** Values one step of a float apart count as equal. */
  readonly isFuzzy: boolean;
  readonly tests: readonly UnitTest[];
  /** `file:line: what`. */
  readonly errors: readonly string[];
}

export interface UnitTest {
  readonly name: string;
  readonly line: number;
  readonly startMs: number;
  readonly intervalMs: number;
  readonly series: readonly SeriesLine[];
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly alertTests: readonly AlertTest[];
  readonly expressionTests: readonly ExpressionTest[];
}

export interface AlertTest {
  readonly line: number;
  readonly evalTimeMs: number;
  readonly alertName: string;
  readonly expected: readonly { readonly labels: readonly Label[]; readonly annotations: readonly Label[] }[];
}

export interface ExpressionTest {
  readonly line: number;
  readonly expression: string;
  readonly evalTimeMs: number;
  readonly expected: readonly ExpectedSample[];
}

export interface ExpectedSample {
  readonly labels: Labels;
  /** Text: a native histogram, as `shownHistogram` has it. */
  readonly value: number | string;
}

const FILE_KEYS = ['rule_files', 'evaluation_interval', 'group_eval_order', 'tests', 'fuzzy_compare'];
const TEST_KEYS = [
  ...['name', 'interval', 'start_timestamp', 'input_series', 'alert_rule_test', 'promql_expr_test'],
  ...['external_labels', 'external_url'],
];
const INTERVAL_MS = 60_000;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g;

/** Never throws: what is wrong is in `errors`. */
export function parseUnitTestFile({ file, text }: { readonly file: string; readonly text: string }): UnitTestFile {
  return new UnitTestReader(file, text).read();
}

class UnitTestReader {
  readonly #file: string;
  readonly #reader: YamlReader;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#reader = new YamlReader(text);
  }

  read(): UnitTestFile {
    const top = this.#reader.fields(this.#reader.root, 'a file of rule tests', FILE_KEYS) ?? [];
    const evaluationIntervalMs = this.#duration(top, 'evaluation_interval') || INTERVAL_MS;
    const groupOrder = this.#texts(top, 'group_eval_order');
    if (new Set(groupOrder).size < groupOrder.length) this.#complain(top, 'group_eval_order', 'a group stands twice');
    const tests = this.#items(top, 'tests').map((node) => this.#test(node, evaluationIntervalMs));
    return {
      file: this.#file,
      ruleFiles: this.#texts(top, 'rule_files'),
      evaluationIntervalMs,
      groupOrder,
      isFuzzy: this.#text(top, 'fuzzy_compare') === 'true',
      tests,
      errors: this.#reader.complaints.map(({ line, message }) => `${this.#file}:${line}: ${message}`),
    };
  }

  #test(node: Node | null, evaluationIntervalMs: number): UnitTest {
    const fields = this.#reader.fields(node, 'a test', TEST_KEYS) ?? [];
    return {
      name: this.#text(fields, 'name'),
      line: this.#reader.lineOf(node),
      startMs: this.#start(fields),
      intervalMs: this.#duration(fields, 'interval') || evaluationIntervalMs,
      series: this.#items(fields, 'input_series').flatMap((series) => this.#series(series)),
      externalLabels: labelsOf(this.#pairs(fields, 'external_labels')),
      externalUrl: this.#text(fields, 'external_url'),
      alertTests: this.#items(fields, 'alert_rule_test').map((test) => this.#alertTest(test)),
      expressionTests: this.#items(fields, 'promql_expr_test').map((test) => this.#expressionTest(test)),
    };
  }

  #series(node: Node | null): SeriesLine[] {
    const fields = this.#reader.fields(node, 'an input series', ['series', 'values']) ?? [];
    return this.#line(node, `${this.#text(fields, 'series')} ${this.#text(fields, 'values')}`);
  }

  #line(node: Node | null, text: string): SeriesLine[] {
    const line = this.#reader.lineOf(node);
    try {
      const braces = text.replace(QUOTED, '').match(/[{}]/g) ?? [];
      if (braces.filter((brace) => brace === '{').length * 2 !== braces.length)
        throw new Error('a brace is not closed');
      return [parseSeriesLine(text.trim(), line)];
    } catch (error) {
      this.#reader.complain(node, `cannot read the series ${JSON.stringify(text.trim())}: ${messageOf(error)}`);
      return [];
    }
  }

  #alertTest(node: Node | null): AlertTest {
    const known = ['eval_time', 'alertname', 'exp_alerts'];
    const fields = this.#reader.fields(node, 'an alert test', known) ?? [];
    const alertName = this.#text(fields, 'alertname');
    if (alertName === '') this.#reader.complain(node, 'an alert test needs `alertname`');
    return {
      line: this.#reader.lineOf(node),
      evalTimeMs: this.#duration(fields, 'eval_time'),
      alertName,
      expected: this.#items(fields, 'exp_alerts').map((alert) => {
        const of = this.#reader.fields(alert, 'an expected alert', ['exp_labels', 'exp_annotations']) ?? [];
        return { labels: this.#pairs(of, 'exp_labels'), annotations: this.#pairs(of, 'exp_annotations') };
      }),
    };
  }

  #expressionTest(node: Node | null): ExpressionTest {
    const fields = this.#reader.fields(node, 'an expression test', ['expr', 'eval_time', 'exp_samples']) ?? [];
    return {
      line: this.#reader.lineOf(node),
      expression: this.#text(fields, 'expr'),
      evalTimeMs: this.#duration(fields, 'eval_time'),
      expected: this.#items(fields, 'exp_samples').flatMap((sample) => this.#expectedSample(sample)),
    };
  }

  #expectedSample(node: Node | null): ExpectedSample[] {
    const fields = this.#reader.fields(node, 'an expected sample', ['labels', 'value', 'histogram']) ?? [];
    const text = this.#text(fields, 'value');
    const histogram = this.#text(fields, 'histogram');
    const value = histogram === '' ? numberOf(text) : histogramOf(histogram);
    if (value === undefined && histogram !== '') {
      this.#complain(fields, 'histogram', `histogram must be like {{sum:3 count:2 buckets:[2]}}, not ${histogram}`);
      return [];
    }
    if (value === undefined) {
      this.#complain(fields, 'value', `value must be a number, not ${JSON.stringify(text)}`);
      return [];
    }
    return this.#line(node, this.#text(fields, 'labels')).map(({ labels }) => ({ labels, value }));
  }

  /** RFC 3339 or Unix seconds. */
  #start(fields: readonly YamlField[]): number {
    const text = this.#text(fields, 'start_timestamp');
    if (text === '') return 0;
    const ms = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
    if (Number.isFinite(ms)) return ms;
    this.#complain(fields, 'start_timestamp', `${JSON.stringify(text)} is no time: RFC 3339 or Unix seconds`);
    return 0;
  }

  #pairs(fields: readonly YamlField[], key: string): Label[] {
    const pairs = this.#reader.fields(valueIn(fields, key), key) ?? [];
    return pairs.map(({ key: name, value }) => ({ name, value: this.#reader.text(value, name) ?? '' }));
  }

  #items(fields: readonly YamlField[], key: string): readonly (Node | null)[] {
    return this.#reader.items(valueIn(fields, key), key) ?? [];
  }

  #texts(fields: readonly YamlField[], key: string): string[] {
    return this.#items(fields, key).map((node) => this.#reader.text(node, key) ?? '');
  }

  #text(fields: readonly YamlField[], key: string): string {
    return this.#reader.text(valueIn(fields, key), key) ?? '';
  }

  #duration(fields: readonly YamlField[], key: string): number {
    const text = this.#text(fields, key);
    if (text === '') return 0;
    try {
      return parseDuration(text);
    } catch (error) {
      this.#complain(fields, key, `${key}: ${messageOf(error)}`);
      return 0;
    }
  }

  #complain(fields: readonly YamlField[], key: string, message: string): void {
    this.#reader.complain(fields.find((field) => field.key === key)?.keyNode, message);
  }
}

function valueIn(fields: readonly YamlField[], key: string): Node | null {
  return fields.find((field) => field.key === key)?.value ?? null;
}

/** As YAML and Prometheus write numbers; undefined for what is none. Nothing is 0. */
function numberOf(text: string): number | undefined {
  const plain = text.replaceAll('_', '').toLowerCase();
  if (/^[+-]?\.?inf$/.test(plain)) return plain.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^\.?nan$/.test(plain)) return Number.NaN;
  const value = Number(plain);
  return Number.isNaN(value) ? undefined : value;
}

/** As `shownHistogram`; undefined for what is none. */
function histogramOf(text: string): string | undefined {
  try {
    const { points } = parseSeriesLine(`expected ${text.trim()}`, 0);
    const [point] = points;
    return points.length === 1 && point?.kind === 'histogram' ? shownHistogram(toNative(point.histogram)) : undefined;
  } catch {
    return undefined;
  }
}
