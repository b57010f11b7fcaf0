import {
  decodeLabels,
  EXEMPLAR_CHARACTERS_MAX,
  encodeLabels,
  exemplarCharacters,
  type Label,
  type Labels,
  labelsOf,
} from '@tidemark/model';

// The exemplars of one request on their way in, and what was refused of them. A bad one costs itself only: neither its sample nor
// the sender hears of it, as with Prometheus; the counters do. One object, used again for every request; most have none.

/** Stable; the counter's label. */
export type ExemplarRefusal =
  | 'malformed'
  | 'labels_invalid'
  | 'labels_too_long'
  | 'too_many'
  | 'series_refused'
  | 'series_unknown'
  | 'too_far_in_future'
  | 'too_old';

export interface IntakeExemplar {
  /** Into the table of series that the request's samples have. */
  readonly ref: number;
  readonly timestampMs: number;
  readonly value: number;
  /** Canonical. */
  readonly labels: Uint8Array;
  readonly hasNoTime: boolean;
}

export class IntakeExemplars {
  readonly #max: number;
  list: IntakeExemplar[] = [];
  readonly refused = new Map<ExemplarRefusal, number>();

  constructor({ exemplarsPerRequestMax }: { readonly exemplarsPerRequestMax: number }) {
    this.#max = exemplarsPerRequestMax;
  }

  reset(): void {
    if (this.list.length > 0) this.list = [];
    if (this.refused.size > 0) this.refused.clear();
  }

  refuse(reason: ExemplarRefusal, count = 1): void {
    if (count > 0) this.refused.set(reason, (this.refused.get(reason) ?? 0) + count);
  }

  /** With labels as a sender gave them: in any order, empty ones among them. */
  addLabels(one: Omit<IntakeExemplar, 'labels'>, pairs: readonly Label[]): void {
    let labels: Labels;
    try {
      labels = labelsOf(pairs);
    } catch {
      this.refuse('labels_invalid');
      return;
    }
    if (labels.some(({ name }) => name === '')) this.refuse('labels_invalid');
    else if (this.#fits(labels)) this.list.push({ ...one, labels: encodeLabels(labels) });
  }

  /** With canonical labels, as a batch has them. */
  add(one: IntakeExemplar): void {
    let labels: Labels;
    try {
      labels = decodeLabels(one.labels);
    } catch {
      this.refuse('labels_invalid');
      return;
    }
    if (this.#fits(labels)) this.list.push(one);
  }

  /** Takes back what was added behind the first `count`. */
  truncate(count: number): void {
    this.list.length = count;
  }

  #fits(labels: Labels): boolean {
    const reason =
      this.list.length >= this.#max
        ? 'too_many'
        : exemplarCharacters(labels) > EXEMPLAR_CHARACTERS_MAX
          ? 'labels_too_long'
          : undefined;
    if (reason !== undefined) this.refuse(reason);
    return reason === undefined;
  }
}
