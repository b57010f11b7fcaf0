import { type Labels, METRIC_NAME } from '@tidemark/model';
import type { Matching } from '../language/ast.ts';
import { keepLabels, omitLabels } from '../value/label-set.ts';

/** The labels two series must share to meet: those of `on`, or all but those of `ignoring`; the name only when asked for. */
export function matchedLabels(matching: Matching): (labels: Labels) => Labels {
  const names = new Set(matching.labels);
  if (matching.on) return (labels) => keepLabels(labels, names);
  names.add(METRIC_NAME);
  return (labels) => omitLabels(labels, names);
}
