import type { Labels, SelectedHistograms, SelectedSeries } from '@tidemark/model';
import type { Column } from '../chunk/columns.ts';
import type { LabelOwner } from './chunk-ref.ts';
import type { Entries } from './decode.ts';
import { selectedHistograms } from './histograms.ts';
import type { LabelTexts } from './label-texts.ts';

// One object that shows series after series where a decoder has them, without a copy.
//
//   times     a new view only where they differ from those before: the same view says that series move in step
//   values    the same view over the same entries, whatever is in them now
//   labels    as text only if somebody asks

const NONE = new Float64Array(0);

export class HandedSeries implements SelectedSeries {
  readonly #texts: LabelTexts;
  #owner: LabelOwner | undefined;
  #ref = 0;
  #from = -1;
  #to = -1;
  #memory: Float64Array = NONE;
  timestampsMs: Float64Array = NONE;
  values: Float64Array = NONE;
  histograms: SelectedHistograms | undefined = undefined;

  constructor(texts: LabelTexts) {
    this.#texts = texts;
  }

  get labels(): Labels {
    return this.#owner === undefined ? [] : this.#texts.of(this.#owner, this.#ref);
  }

  show(owner: LabelOwner, ref: number, entries: Entries): this {
    const { columns, from, to, inStep } = entries;
    this.#owner = owner;
    this.#ref = ref;
    const { values } = columns.columns[0] as Column;
    this.histograms = selectedHistograms(columns.histograms, from, to);
    if (values !== this.#memory || from !== this.#from || to !== this.#to) {
      this.#memory = values;
      this.#from = from;
      this.#to = to;
      this.values = values.subarray(from, to);
      this.timestampsMs = columns.timestampsMs.subarray(from, to);
    } else if (!inStep) this.timestampsMs = columns.timestampsMs.subarray(from, to);
    return this;
  }
}
