import { ByteReader } from '@tidemark/base';
import { type Labels, METRIC_NAME, type RelabelRule, relabel } from '@tidemark/model';

// What a scraped series is called in the end: its own labels and the target's, then metric_relabel_configs.
//
//   exposed  a{job="x", z="1"}     target  job="node", instance="h:1"
//   honor_labels: false            a{exported_job="x", instance="h:1", job="node", z="1"}
//   honor_labels: true             a{instance="h:1", job="x", z="1"}      an exposed job="" means: no job label at all

export interface LabelRules {
  readonly targetLabels: Labels;
  readonly honorLabels: boolean;
  readonly metricRelabelRules: readonly RelabelRule[];
}

/** `exposed` is name, value after name, value, each with its length; empty values included. Undefined: dropped. */
export function finalLabels(exposed: Uint8Array, end: number, rules: LabelRules): Map<string, string> | undefined {
  const own = readLabels(exposed, end);
  const labels = rules.honorLabels ? honoured(own, rules.targetLabels) : renamed(own, rules.targetLabels);
  for (const [name, value] of labels) if (value === '') labels.delete(name);
  return relabel(labels, rules.metricRelabelRules) && labels.size > 0 ? labels : undefined;
}

function readLabels(bytes: Uint8Array, end: number): Map<string, string> {
  const reader = new ByteReader(bytes, 0, end);
  const labels = new Map<string, string>();
  while (reader.left > 0) labels.set(reader.text(), reader.text());
  return labels;
}

function honoured(own: Map<string, string>, targetLabels: Labels): Map<string, string> {
  for (const { name, value } of targetLabels) if (!own.has(name)) own.set(name, value);
  return own;
}

function renamed(own: Map<string, string>, targetLabels: Labels): Map<string, string> {
  const labels = new Map(own);
  const conflicts = targetLabels.filter(({ name }) => (own.get(name) ?? '') !== '').map(({ name }) => name);
  for (const { name, value } of targetLabels) labels.set(name, value);
  // The shortest first, so that `exported_job` of the page gives way to the renamed `job`, not the other way round.
  conflicts.sort((a, b) => a.length - b.length);
  for (const name of conflicts) {
    let free = `exported_${name}`;
    while ((labels.get(free) ?? '') !== '') free = `exported_${free}`;
    labels.set(free, own.get(name) as string);
  }
  return labels;
}

export interface LabelLimits {
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
}

/** What is wrong with them, if anything. Lengths are bytes of UTF-8. */
export function overLimit(labels: ReadonlyMap<string, string>, limits: LabelLimits): string | undefined {
  const { labelLimit, labelNameLengthLimit, labelValueLengthLimit } = limits;
  const metric = JSON.stringify(labels.get(METRIC_NAME) ?? '');
  if (labelLimit > 0 && labels.size > labelLimit) {
    return `${metric} has ${labels.size} labels, more than label_limit ${labelLimit}`;
  }
  if (labelNameLengthLimit === 0 && labelValueLengthLimit === 0) return undefined;
  for (const [name, value] of labels) {
    const nameLength = Buffer.byteLength(name);
    const valueLength = Buffer.byteLength(value);
    if (labelNameLengthLimit > 0 && nameLength > labelNameLengthLimit) {
      return `${metric}: the name of label ${JSON.stringify(name.slice(0, 100))} has ${nameLength} bytes, more than label_name_length_limit ${labelNameLengthLimit}`;
    }
    if (labelValueLengthLimit > 0 && valueLength > labelValueLengthLimit) {
      return `${metric}: the value of label ${JSON.stringify(name)} has ${valueLength} bytes, more than label_value_length_limit ${labelValueLengthLimit}`;
    }
  }
  return undefined;
}
