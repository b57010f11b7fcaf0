import { isTidemarkError, messageOf, TidemarkError } from '@tidemark/base';
import { type Label, labelsOf, METRIC_NAME, parseDuration } from '@tidemark/model';
import type { Node } from 'yaml';
import { AlertTemplate } from '../template/alert-template.ts';
import {
  type AlertingRuleSpec,
  identifyRules,
  type RecordingRuleSpec,
  type RuleGroupSpec,
  type RuleSpec,
} from './rule.ts';
import { type YamlField, YamlReader } from './yaml-reader.ts';

// Prometheus rule files:
//
//   groups:
//     - name: example            unique in the file
//       interval: 30s            default: the configured one
//       limit: 10                most alerts a rule may have; 0 or nothing: no limit
//       query_offset: 10s        evaluate on data this old
//       labels: {team: core}     added to every rule's own
//       rules:
//         - alert: HighLoad      or `record: a:b:c`, which has expr and labels only
//           expr: node_load1 > 4
//           for: 5m
//           keep_firing_for: 2m
//           labels: {severity: page}
//           annotations: {summary: "{{ $labels.instance }} is busy"}
//
// Two kinds of complaint are kept apart: errors, which Prometheus has too; and what Prometheus would run but Tidemark cannot
// yet. Files are accepted whole or not at all.

export interface RuleFileText {
  /** As configured; part of a group's identity and of every complaint. */
  readonly file: string;
  readonly text: string;
}

export interface RuleFileResult {
  readonly groups: readonly RuleGroupSpec[];
  /** `file:line: what`: what Prometheus would refuse as well. */
  readonly errors: readonly string[];
  /** `file:line: what`: sound, but nothing that runs here yet. */
  readonly unsupported: readonly string[];
  readonly warnings: readonly string[];
}

export interface RuleFileOptions {
  /** Throws, saying what is wrong, when a text is no PromQL; with code `PROMQL_UNSUPPORTED` when it is, but does not run yet. */
  readonly checkExpression: (text: string) => void;
}

const GROUP_KEYS = ['name', 'interval', 'query_offset', 'limit', 'rules', 'labels'];
const RULE_KEYS = ['record', 'alert', 'expr', 'for', 'keep_firing_for', 'labels', 'annotations'];

/** Never throws: what is wrong is in the result. */
export function parseRuleFile({ file, text }: RuleFileText, options: RuleFileOptions): RuleFileResult {
  const reader = new YamlReader(text);
  const unsupported = new Unsupported(reader);
  const parser = new RuleFileParser(file, reader, unsupported, options);
  const groups = reader.complaints.length > 0 ? [] : parser.groups();
  const placed = ({ line, message }: { line: number; message: string }) => `${file}:${line}: ${message}`;
  return {
    groups,
    errors: reader.complaints.map(placed),
    unsupported: unsupported.complaints.map(placed),
    warnings: reader.documents > 1 ? [`${file}: has ${reader.documents} YAML documents; only the first is read`] : [],
  };
}

/** All groups of all files. Throws `RULES_INVALID` with every complaint, one a line. */
export function loadRules(
  files: readonly RuleFileText[],
  options: RuleFileOptions,
): { readonly groups: readonly RuleGroupSpec[]; readonly warnings: readonly string[] } {
  const results = files.map((file) => parseRuleFile(file, options));
  const complaints = results.flatMap((result) => [...result.errors, ...result.unsupported]);
  if (complaints.length > 0) {
    throw new TidemarkError('RULES_INVALID', complaints.join('\n'), { complaints: complaints.length });
  }
  return { groups: results.flatMap((result) => result.groups), warnings: results.flatMap((result) => result.warnings) };
}

class Unsupported {
  readonly complaints: { line: number; message: string }[] = [];
  readonly #reader: YamlReader;

  constructor(reader: YamlReader) {
    this.#reader = reader;
  }

  add(node: Node | null | undefined, message: string): void {
    this.complaints.push({ line: this.#reader.lineOf(node), message });
  }
}

class RuleFileParser {
  readonly #file: string;
  readonly #reader: YamlReader;
  readonly #unsupported: Unsupported;
  readonly #options: RuleFileOptions;

  constructor(file: string, reader: YamlReader, unsupported: Unsupported, options: RuleFileOptions) {
    this.#file = file;
    this.#reader = reader;
    this.#unsupported = unsupported;
    this.#options = options;
  }

  groups(): readonly RuleGroupSpec[] {
    const top = this.#reader.fields(this.#reader.root, 'a rule file', ['groups']) ?? [];
    const names = new Set<string>();
    const groups: RuleGroupSpec[] = [];
    for (const node of this.#reader.items(valueIn(top, 'groups'), 'groups') ?? []) {
      const group = this.#group(node);
      if (group === undefined) continue;
      if (group.name === '') this.#reader.complain(node, 'a group needs a name');
      else if (names.has(group.name)) {
        this.#reader.complain(node, `the group name ${JSON.stringify(group.name)} stands twice in this file`);
      }
      names.add(group.name);
      groups.push(group);
    }
    return groups;
  }

  #group(node: Node | null): RuleGroupSpec | undefined {
    const fields = this.#reader.fields(node, 'a group', GROUP_KEYS);
    if (!fields) return undefined;
    const labels = this.#pairs(fields, 'labels', true);
    const rules = this.#reader.items(valueIn(fields, 'rules'), 'rules') ?? [];
    return {
      file: this.#file,
      name: this.#text(fields, 'name'),
      intervalMs: this.#duration(fields, 'interval') || undefined,
      queryOffsetMs: this.#duration(fields, 'query_offset'),
      limit: this.#limit(fields),
      rules: identifyRules(rules.map((rule) => this.#rule(rule, labels)).filter((rule) => rule !== undefined)),
    };
  }

  #rule(node: Node | null, groupLabels: readonly Label[]): RuleSpec | undefined {
    const fields = this.#reader.fields(node, 'a rule', RULE_KEYS);
    if (!fields) return undefined;
    const alert = this.#text(fields, 'alert');
    const record = this.#text(fields, 'record');
    if (alert !== '' && record !== '') this.#reader.complain(node, 'a rule is `alert` or `record`, not both');
    if (alert === '' && record === '') this.#reader.complain(node, 'a rule needs `alert` or `record`');
    const own = this.#pairs(fields, 'labels', true);
    const named = new Set(own.map((label) => label.name));
    const labels = sorted([...groupLabels.filter((label) => !named.has(label.name)), ...own]);
    const expression = this.#expression(node, fields);
    return record === ''
      ? this.#alertingRule(fields, alert, expression, labels)
      : this.#recordingRule(fields, record, expression, labels);
  }

  #alertingRule(
    fields: readonly YamlField[],
    name: string,
    expression: string,
    labels: readonly Label[],
  ): AlertingRuleSpec {
    const annotations = sorted(this.#pairs(fields, 'annotations', false));
    for (const [field, pairs] of [
      ['labels', labels],
      ['annotations', annotations],
    ] as const) {
      for (const pair of pairs) this.#checkTemplate(fields, field, name, pair);
    }
    return {
      kind: 'alerting',
      name,
      expression,
      forMs: this.#duration(fields, 'for'),
      keepFiringForMs: this.#duration(fields, 'keep_firing_for'),
      labels,
      annotations,
    };
  }

  #recordingRule(
    fields: readonly YamlField[],
    name: string,
    expression: string,
    labels: readonly Label[],
  ): RecordingRuleSpec {
    for (const wrong of ['for', 'keep_firing_for'] as const) {
      if (this.#duration(fields, wrong) !== 0) this.#complainAt(fields, wrong, `a recording rule has no ${wrong}`);
    }
    if (this.#pairs(fields, 'annotations', false).length > 0) {
      this.#complainAt(fields, 'annotations', 'a recording rule has no annotations');
    }
    if (/[{}]/.test(name)) {
      this.#complainAt(fields, 'record', `${JSON.stringify(name)} names no series: braces belong into \`expr\``);
    }
    return { kind: 'recording', name, expression, labels };
  }

  #expression(node: Node | null, fields: readonly YamlField[]): string {
    const text = this.#text(fields, 'expr');
    if (text.trim() === '') {
      this.#reader.complain(node, 'a rule needs `expr`');
      return '';
    }
    try {
      this.#options.checkExpression(text);
    } catch (error) {
      const where = nodeOf(fields, 'expr');
      if (isTidemarkError(error, 'PROMQL_UNSUPPORTED')) this.#unsupported.add(where, messageOf(error));
      else this.#reader.complain(where, `expr cannot be parsed: ${messageOf(error)}`);
    }
    return text.trim();
  }

  #checkTemplate(fields: readonly YamlField[], field: 'labels' | 'annotations', alertName: string, pair: Label): void {
    try {
      new AlertTemplate(alertName, pair.value);
    } catch (error) {
      this.#complainAt(fields, field, `${field} ${JSON.stringify(pair.name)}: ${messageOf(error)}`);
    }
  }

  #pairs(fields: readonly YamlField[], key: 'labels' | 'annotations', areLabels: boolean): readonly Label[] {
    const pairs: Label[] = [];
    for (const { key: name, keyNode, value } of this.#reader.fields(valueIn(fields, key), key) ?? []) {
      if (name === '') this.#reader.complain(keyNode, `a name in ${key} is empty`);
      if (areLabels && name === METRIC_NAME) {
        this.#reader.complain(keyNode, `${METRIC_NAME} cannot be set as a label`);
      }
      pairs.push({ name, value: this.#reader.text(value, `${key} ${JSON.stringify(name)}`) ?? '' });
    }
    return pairs;
  }

  #text(fields: readonly YamlField[], key: string): string {
    return this.#reader.text(valueIn(fields, key), key) ?? '';
  }

  /** Milliseconds; 0 when it isn't there. */
  #duration(fields: readonly YamlField[], key: string): number {
    const text = this.#text(fields, key);
    if (text === '') return 0;
    try {
      return parseDuration(text);
    } catch (error) {
      this.#complainAt(fields, key, `${key}: ${messageOf(error)}`);
      return 0;
    }
  }

  #limit(fields: readonly YamlField[]): number {
    const text = this.#text(fields, 'limit');
    if (text === '') return 0;
    if (/^[+-]?\d{1,15}$/.test(text)) return Math.max(0, Number(text));
    this.#complainAt(fields, 'limit', `limit must be a whole number, not ${JSON.stringify(text)}`);
    return 0;
  }

  #complainAt(fields: readonly YamlField[], key: string, message: string): void {
    this.#reader.complain(nodeOf(fields, key), message);
  }
}

function valueIn(fields: readonly YamlField[], key: string): Node | null {
  return fields.find((field) => field.key === key)?.value ?? null;
}

/** Where a field stands: its name. */
function nodeOf(fields: readonly YamlField[], key: string): Node | undefined {
  return fields.find((field) => field.key === key)?.keyNode;
}

/** By name; empty values stay, because a rule may set a label to nothing and so take it away. */
function sorted(pairs: readonly Label[]): readonly Label[] {
  const order = labelsOf(pairs.map(({ name }) => ({ name, value: name })));
  return order.map(({ name }) => pairs.find((pair) => pair.name === name) as Label);
}
