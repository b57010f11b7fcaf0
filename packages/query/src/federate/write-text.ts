import { type Labels, METRIC_NAME } from '@tidemark/model';
import { type Escaping, escapeName, isPlainName } from './escape-name.ts';
import type { Family } from './families.ts';

// The Prometheus text format, written.

/** `externalLabels` are added where a series has no label of that name; sorted by name. */
export function* familyText(family: Family, externalLabels: Labels, escaping: Escaping): Iterable<string> {
  const name = quotedUnlessPlain(escapeName(family.name, escaping));
  if (family.help !== '') yield `# HELP ${name} ${escapeHelp(family.help)}\n`;
  yield `# TYPE ${name} ${family.type}\n`;
  for (const { labels, value, timestampMs } of family.samples) {
    yield `${seriesText(labels, externalLabels, escaping)} ${goFloat(value)} ${timestampMs}\n`;
  }
}

function seriesText(labels: Labels, externalLabels: Labels, escaping: Escaping): string {
  let metric = '';
  const parts: string[] = [];
  const add = (label: string, value: string) =>
    parts.push(`${quotedUnlessPlain(escapeName(label, escaping), LABEL)}="${escapeValue(value)}"`);
  for (const { name, value } of labels) {
    if (name === METRIC_NAME) metric = escapeName(value, escaping);
    else add(name, value);
  }
  for (const { name, value } of externalLabels) if (!labels.some((label) => label.name === name)) add(name, value);
  if (isPlainName(metric)) return parts.length === 0 ? metric : `${metric}{${parts.join(',')}}`;
  return `{${[quoted(metric), ...parts].join(',')}}`;
}

// Label names have no colons.
const LABEL = /^[A-Za-z_][A-Za-z0-9_]*$/;

function quotedUnlessPlain(name: string, plain?: RegExp): string {
  return (plain ? plain.test(name) : isPlainName(name)) ? name : quoted(name);
}

function quoted(name: string): string {
  return `"${escapeValue(name)}"`;
}

function escapeValue(value: string): string {
  return value.replace(/[\\\n"]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
}

function escapeHelp(help: string): string {
  return help.replace(/[\\\n]/g, (c) => (c === '\n' ? '\\n' : '\\\\'));
}

/** The shortest digits that mean the number, as Go's %g has them: with an exponent below 1e-4 and from 1e6 on. */
export function goFloat(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (value !== value) return 'NaN';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  // JavaScript writes none between 1e-6 and 1e21.
  if (exponent >= -4 && exponent < 6) return String(value);
  return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
