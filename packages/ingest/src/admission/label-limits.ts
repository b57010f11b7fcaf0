import type { IngestOptions } from '../options.ts';

// What a series may look like. Each problem has a stable reason (the label value of the refusal counter) and a sentence
// that names field, limit and value.

export type LabelLimits = Pick<
  IngestOptions,
  'labelsMax' | 'labelNameBytesMax' | 'labelValueBytesMax' | 'labelBytesMax'
>;

export interface LabelProblem {
  readonly reason: string;
  readonly example: string;
}

/** Long values are shown by their beginning. */
const SHOWN_MAX = 80;

const SHOWN_DECODER = new TextDecoder('utf-8');

/** Bytes for people: quoted, bad UTF-8 replaced, cut. */
export function shown(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  const text = SHOWN_DECODER.decode(bytes.subarray(start, Math.min(end, start + SHOWN_MAX)));
  return JSON.stringify(end - start > SHOWN_MAX ? `${text}...` : text);
}

export function tooManyLabels(count: number, limits: LabelLimits, series: string): LabelProblem {
  return {
    reason: 'labels_too_many',
    example: `series ${series} has ${count} labels, the limit labelsMax is ${limits.labelsMax}`,
  };
}

export function labelsTooLong(length: number, limits: LabelLimits, series: string): LabelProblem {
  return {
    reason: 'labels_too_long',
    example: `series ${series} has ${length} bytes of labels, the limit labelBytesMax is ${limits.labelBytesMax}`,
  };
}

export function nameTooLong(length: number, limits: LabelLimits, name: string): LabelProblem {
  return {
    reason: 'label_name_too_long',
    example: `label name ${name} has ${length} bytes, the limit labelNameBytesMax is ${limits.labelNameBytesMax}`,
  };
}

export function valueTooLong(length: number, limits: LabelLimits, name: string, value: string): LabelProblem {
  return {
    reason: 'label_value_too_long',
    example: `label ${name} has a value of ${length} bytes (${value}), the limit labelValueBytesMax is ${limits.labelValueBytesMax}`,
  };
}

export function nameEmpty(value: string): LabelProblem {
  return { reason: 'label_name_empty', example: `a label with the value ${value} has an empty name` };
}

export function nameNotUtf8(name: string): LabelProblem {
  return { reason: 'label_name_not_utf8', example: `the label name ${name} is not valid UTF-8` };
}

export function valueNotUtf8(name: string, value: string): LabelProblem {
  return { reason: 'label_value_not_utf8', example: `label ${name} has the value ${value}, which is not valid UTF-8` };
}

export function duplicateLabel(name: string): LabelProblem {
  return { reason: 'label_duplicate', example: `the label ${name} stands twice in one series` };
}

export function metricNameMissing(series: string): LabelProblem {
  return {
    reason: 'metric_name_missing',
    example: `series ${series} has no metric name: the label "__name__" is missing or empty`,
  };
}
