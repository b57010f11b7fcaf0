import { decodeLabels, type Label, type Labels } from '@tidemark/model';
import type { LabelOwner } from './chunk-ref.ts';

// Labels of series as text, kept between reads: decoding costs some microseconds a series, a query of all of them asks again and
// again. Equal labels are one object, so a series costs its list and what is new in it.
//
// A series is known by who numbers it (a registry, the index of a segment) and its number there; both are forgotten with their
// owner. When there are too many, all go: what is asked now comes back at once.

/** Series whose labels are kept: some 150 B each, and their texts once. */
const SERIES_MAX = 250_000;
/** Different labels that are kept. */
const LABELS_MAX = 500_000;

export class LabelTexts {
  #byOwner = new WeakMap<object, Map<number, Labels>>();
  #byName = new Map<string, Map<string, Label>>();
  #seriesCount = 0;
  #labelCount = 0;

  of(owner: LabelOwner, ref: number): Labels {
    let known = this.#byOwner.get(owner);
    if (known === undefined) {
      known = new Map();
      this.#byOwner.set(owner, known);
    }
    let labels = known.get(ref);
    if (labels === undefined) {
      labels = decodeLabels(owner.labelBytes(ref)).map((label) => this.#one(label));
      this.#makeRoom();
      known.set(ref, labels);
      this.#seriesCount++;
    }
    return labels;
  }

  #one(label: Label): Label {
    let values = this.#byName.get(label.name);
    if (values === undefined) {
      values = new Map();
      this.#byName.set(label.name, values);
    }
    const known = values.get(label.value);
    if (known !== undefined) return known;
    values.set(label.value, label);
    this.#labelCount++;
    return label;
  }

  #makeRoom(): void {
    if (this.#seriesCount < SERIES_MAX && this.#labelCount < LABELS_MAX) return;
    this.#byOwner = new WeakMap();
    this.#byName = new Map();
    this.#seriesCount = 0;
    this.#labelCount = 0;
  }
}
