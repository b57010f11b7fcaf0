import { isTidemarkError } from '@tidemark/base';
import { type RelabelRule, type RelabelSpec, relabelRule } from '@tidemark/model';
import type { ConfigReader } from './config-reader.ts';

// `relabel_configs` and `metric_relabel_configs`, from plain data to compiled rules.

const KEYS = ['action', 'source_labels', 'separator', 'regex', 'modulus', 'target_label', 'replacement'];

export function readRelabelRules(list: ConfigReader | undefined): readonly RelabelRule[] {
  return (list?.items() ?? []).flatMap((item) => readRule(item) ?? []);
}

function readRule(item: ConfigReader): RelabelRule | undefined {
  const before = item.problems.length;
  item.onlyKeys(KEYS, []);
  const spec: RelabelSpec = {
    ...optional('action', item.at('action')?.text()),
    ...optional('sourceLabels', item.at('source_labels')?.texts()),
    ...optional('separator', item.at('separator')?.text()),
    ...optional('regex', item.at('regex')?.text()),
    ...optional('modulus', item.at('modulus')?.count()),
    ...optional('targetLabel', item.at('target_label')?.text()),
    ...optional('replacement', item.at('replacement')?.text()),
  };
  if (item.problems.length > before) return undefined;
  try {
    return relabelRule(spec);
  } catch (error) {
    if (!isTidemarkError(error, 'RELABEL_INVALID')) throw error;
    const field = String(error.details['field']);
    (item.at(field) ?? item).complain(error.message);
    return undefined;
  }
}

function optional<K extends keyof RelabelSpec>(key: K, value: RelabelSpec[K] | undefined): Pick<RelabelSpec, K> {
  return (value === undefined ? {} : { [key]: value }) as Pick<RelabelSpec, K>;
}
