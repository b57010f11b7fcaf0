import type { Labels } from '@tidemark/model';
import { type Silence, silenceState } from './silence.ts';

// Which silences match an alert. Groups ask it of every alert at every flush, so what was found is remembered with the labels,
// and only silences that came since are tried. At first most are found by the exact value of a label they name.
//
//   team="a", env=~".+"     ->  under  team NUL a
//   env=~"dev|test"         ->  tried for every alert
//
//   labels -> silences that match, as of change 7     changes   1 | 3 | 7 | 8 | 9 -> these two are tried

interface Known {
  readonly change: number;
  readonly matching: readonly Silence[];
}

export class SilenceIndex {
  readonly #byLabel = new Map<string, Set<Silence>>();
  readonly #others = new Set<Silence>();
  /** What holds, and by which change it came; in the order of changes. */
  readonly #changes = new Map<Silence, number>();
  readonly #known = new WeakMap<Labels, Known>();
  #change = 0;

  add(silence: Silence): void {
    this.#changes.set(silence, ++this.#change);
    const key = keyOf(silence);
    if (key === undefined) {
      this.#others.add(silence);
      return;
    }
    const found = this.#byLabel.get(key) ?? new Set();
    this.#byLabel.set(key, found.add(silence));
  }

  delete(silence: Silence): void {
    this.#changes.delete(silence);
    this.#others.delete(silence);
    const key = keyOf(silence);
    const found = key === undefined ? undefined : this.#byLabel.get(key);
    if (key !== undefined && found?.delete(silence) && found.size === 0) this.#byLabel.delete(key);
  }

  /** Ids of active silences that match, sorted. */
  activeFor(labels: Labels, nowMs: number): readonly string[] {
    if (this.#changes.size === 0) return [];
    return this.#matching(labels)
      .filter(({ record }) => silenceState(record, nowMs) === 'active')
      .map(({ record }) => record.id)
      .sort();
  }

  #matching(labels: Labels): readonly Silence[] {
    const known = this.#known.get(labels);
    if (known?.change === this.#change && known.matching.every((silence) => this.#changes.has(silence))) {
      return known.matching;
    }
    const matching = known
      ? [...known.matching.filter((silence) => this.#changes.has(silence)), ...this.#since(known.change, labels)]
      : this.#find(labels);
    this.#known.set(labels, { change: this.#change, matching });
    return matching;
  }

  #since(change: number, labels: Labels): readonly Silence[] {
    if (change === this.#change) return [];
    return [...this.#changes]
      .filter(([silence, at]) => at > change && silence.matches(labels))
      .map(([silence]) => silence);
  }

  #find(labels: Labels): readonly Silence[] {
    const exact = labels.flatMap(({ name, value }) => [...(this.#byLabel.get(`${name}\u0000${value}`) ?? [])]);
    return [...exact, ...this.#others].filter((silence) => silence.matches(labels));
  }
}

function keyOf({ record }: Silence): string | undefined {
  const exact = record.matchers.find(({ isRegex, isEqual, value }) => !isRegex && isEqual && value !== '');
  return exact && `${exact.name}\u0000${exact.value}`;
}
