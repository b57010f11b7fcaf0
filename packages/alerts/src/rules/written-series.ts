import { compareUtf8, type Label, type Labels, type NativeHistogram } from '@tidemark/model';

// A sample that a rule writes, and the series it wrote the last time: those that are missing now have ended, which a stale
// marker says. Only in memory, as in Prometheus: after a restart a series that is gone ends by not being written any more.

export interface RuleSample {
  readonly labels: Labels;
  /** Tells the series from all others. */
  readonly key: string;
  /** Where there is a histogram it means nothing. */
  readonly value: number;
  readonly histogram?: NativeHistogram | undefined;
}

export class WrittenSeries {
  #series: ReadonlyMap<string, Labels> = new Map();

  /** Those of the last time that `samples` has not. */
  endedBy(samples: ReadonlyMap<string, RuleSample>): readonly (readonly [key: string, labels: Labels])[] {
    const ended: (readonly [string, Labels])[] = [];
    for (const one of this.#series) if (!samples.has(one[0])) ended.push(one);
    return ended;
  }

  /** They are written. When not everything was there to be seen, what is missing has not ended. */
  written(samples: ReadonlyMap<string, RuleSample>, isFresh: boolean): void {
    if (this.#isSame(samples)) return;
    const next = new Map(isFresh ? [] : this.#series);
    for (const [key, { labels }] of samples) next.set(key, labels);
    this.#series = next;
  }

  /** As nearly always. */
  #isSame(samples: ReadonlyMap<string, RuleSample>): boolean {
    if (samples.size !== this.#series.size) return false;
    for (const key of samples.keys()) if (!this.#series.has(key)) return false;
    return true;
  }

  all(): ReadonlyMap<string, Labels> {
    return this.#series;
  }
}

export function seriesKey(labels: Labels): string {
  let key = '';
  // Lengths first, so that no two label sets run together to the same text.
  for (const { name, value } of labels) key += `${name.length},${value.length},${name}${value}`;
  return key;
}

export function sameLabels(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if ((a[i] as Label).value !== (b[i] as Label).value || (a[i] as Label).name !== (b[i] as Label).name) return false;
  }
  return true;
}

/** `labels` with `over` in place of those of its names; an empty value takes one away. Both sorted. */
export function overlaid(labels: Labels, over: readonly Label[]): Labels {
  const out: Label[] = [];
  let i = 0;
  for (const label of over) {
    let order = -1;
    while (i < labels.length) {
      order = compareUtf8((labels[i] as Label).name, label.name);
      if (order >= 0) break;
      out.push(labels[i++] as Label);
    }
    if (i < labels.length && order === 0) i++;
    if (label.value !== '') out.push(label);
  }
  while (i < labels.length) out.push(labels[i++] as Label);
  return out;
}
