import { compareUtf8, type Label, type Labels, METRIC_NAME } from '@tidemark/model';
import { quote } from '../language/literal.ts';

// What PromQL does with label sets. All of them stay sorted, names unique, no empty values, as model/labels says.

/** Name, type and unit of a metric: what goes when a value stops being the metric's own. */
const METADATA: ReadonlySet<string> = new Set([METRIC_NAME, '__type__', '__unit__']);

/** A string that two label sets share iff they are equal (names and values are well-formed text: no U+FFFF in them). */
export function labelKey(labels: Labels): string {
  let key = '';
  for (const label of labels) key += `${label.name}\uffff${label.value}\uffff`;
  return key;
}

export function keepLabels(labels: Labels, names: ReadonlySet<string>): Labels {
  return labels.filter((label) => names.has(label.name));
}

export function omitLabels(labels: Labels, names: ReadonlySet<string>): Labels {
  return labels.filter((label) => !names.has(label.name));
}

/** Whether type or unit are among the labels, so that more than the name goes with the metadata. */
export function hasMoreMetadata(labels: Labels): boolean {
  return labels.some(({ name }) => name !== METRIC_NAME && METADATA.has(name));
}

export function omitMetadata(labels: Labels): Labels {
  return labels.some((label) => METADATA.has(label.name)) ? omitLabels(labels, METADATA) : labels;
}

/** Sets, replaces or (with an empty value) removes one label. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  const out: Label[] = [];
  let placed = value === '';
  for (const label of labels) {
    if (!placed && compareUtf8(name, label.name) <= 0) {
      out.push({ name, value });
      placed = true;
    }
    if (label.name !== name) out.push(label);
  }
  if (!placed) out.push({ name, value });
  return out;
}

/** Prometheus' order of label sets: label by label, name then value, shorter first. */
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a[i] as Label;
    const y = b[i] as Label;
    // A source may give the same label of many series as one object.
    if (x === y) continue;
    // Most names and many values are equal, and equal strings are found so at once.
    if (x.name !== y.name) return compareUtf8(x.name, y.name);
    if (x.value !== y.value) return compareUtf8(x.value, y.value);
  }
  return a.length - b.length;
}

/** `{__name__="x", a="b"}`, as error messages show them. */
export function describeLabels(labels: Labels): string {
  return `{${labels.map((label) => `${label.name}=${quote(label.value)}`).join(', ')}}`;
}
