import { type Labels, labelValue } from '@tidemark/model';
import type { Aggregate } from '../language/ast.ts';
import { keepLabels, labelKey, omitLabels, omitMetadata } from '../value/label-set.ts';

/** Which group a series belongs to. */
export interface Grouping {
  /** A string that two series share iff they are of one group. */
  readonly keyOf: (labels: Labels) => string;
  /** What the group is called. */
  readonly labelsOf: (labels: Labels) => Labels;
}

export function groupingOf({ grouping, without }: Aggregate): Grouping {
  const names = new Set(grouping);
  if (without) {
    const labelsOf = (labels: Labels) => omitMetadata(omitLabels(labels, names));
    return { keyOf: (labels) => labelKey(labelsOf(labels)), labelsOf };
  }
  const [name, ...more] = names;
  if (name === undefined) return { keyOf: () => '', labelsOf: () => [] };
  const labelsOf = (labels: Labels) => keepLabels(labels, names);
  // A label that is missing is one that is empty.
  if (more.length === 0) return { keyOf: (labels) => labelValue(labels, name), labelsOf };
  return { keyOf: (labels) => labelKey(labelsOf(labels)), labelsOf };
}
