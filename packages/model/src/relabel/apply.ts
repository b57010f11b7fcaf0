import { createHash } from 'node:crypto';
import { unreachable } from '@tidemark/base';
import type { RE2JS } from 're2js';
import type { RelabelRule } from './rule.ts';

// Runs relabel rules over one label set. A label that is not there counts as empty, and one set to empty is removed.

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Changes `labels` in place, rule after rule. False: a rule says to drop it (the labels are then half changed). */
export function relabel(labels: Map<string, string>, rules: readonly RelabelRule[]): boolean {
  for (const rule of rules) if (!applyRule(labels, rule)) return false;
  return true;
}

function applyRule(labels: Map<string, string>, rule: RelabelRule): boolean {
  const { action, regex, targetLabel } = rule;
  switch (action) {
    case 'keep':
      return regex.matches(joined(labels, rule));
    case 'drop':
      return !regex.matches(joined(labels, rule));
    case 'keepequal':
      return (labels.get(targetLabel) ?? '') === joined(labels, rule);
    case 'dropequal':
      return (labels.get(targetLabel) ?? '') !== joined(labels, rule);
    case 'replace':
      replace(labels, rule);
      return true;
    case 'lowercase':
      put(labels, targetLabel, joined(labels, rule).toLowerCase());
      return true;
    case 'uppercase':
      put(labels, targetLabel, joined(labels, rule).toUpperCase());
      return true;
    case 'hashmod':
      put(labels, targetLabel, String(md5Low64(joined(labels, rule)) % BigInt(rule.modulus)));
      return true;
    case 'labelmap':
      for (const [name, value] of [...labels]) {
        const groups = match(regex, name);
        if (groups) put(labels, expand(rule.replacement, groups), value);
      }
      return true;
    case 'labeldrop':
      for (const name of [...labels.keys()]) if (regex.matches(name)) labels.delete(name);
      return true;
    case 'labelkeep':
      for (const name of [...labels.keys()]) if (!regex.matches(name)) labels.delete(name);
      return true;
    default:
      return unreachable(action);
  }
}

function replace(labels: Map<string, string>, rule: RelabelRule): void {
  const groups = match(rule.regex, joined(labels, rule));
  if (!groups) return;
  const target = expand(rule.targetLabel, groups);
  // A name that the template makes only now; nothing can be said to anybody here, so the rule does nothing.
  if (!LABEL_NAME.test(target)) return;
  put(labels, target, expand(rule.replacement, groups));
}

function joined(labels: ReadonlyMap<string, string>, rule: RelabelRule): string {
  const { sourceLabels, separator } = rule;
  if (sourceLabels.length === 1) return labels.get(sourceLabels[0] as string) ?? '';
  return sourceLabels.map((name) => labels.get(name) ?? '').join(separator);
}

function put(labels: Map<string, string>, name: string, value: string): void {
  if (value === '') labels.delete(name);
  else labels.set(name, value);
}

type Groups = (name: string) => string;

function match(regex: RE2JS, text: string): Groups | undefined {
  const matcher = regex.matcher(text);
  if (!matcher.matches()) return undefined;
  const named = regex.namedGroups();
  return (name) => {
    const index = /^\d+$/.test(name) ? Number(name) : Object.hasOwn(named, name) ? (named[name] as number) : -1;
    return index < 0 || index > matcher.groupCount() ? '' : (matcher.group(index) ?? '');
  };
}

/** `$1`, `${1}`, `$name`, `${name}`: the group, or nothing; `$$` is a dollar, and so is one that begins no name. */
function expand(template: string, groups: Groups): string {
  if (!template.includes('$')) return template;
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})?/g, (found, plain?: string, braced?: string) => {
    const name = plain ?? braced;
    return name === undefined ? found.slice(0, 1) : groups(name);
  });
}

/** The last eight bytes of the MD5, big-endian: Prometheus' shards stay where they were. */
function md5Low64(text: string): bigint {
  return createHash('md5').update(text, 'utf8').digest().readBigUInt64BE(8);
}
