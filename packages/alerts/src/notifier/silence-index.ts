import type { Labels } from '@tidemark/model';
import type { Silence } from './silence.ts';
import { silenceState } from './silence.ts';

// Which silences match an alert, without trying all of them: most name some label's exact value, and are found by it.
//
//   team="a", env=~".+"     ->  under  team NUL a
//   env=~"dev|test"         ->  tried for every alert

export class SilenceIndex {
  readonly #byLabel = new Map<string, Set<Silence>>();
  readonly #others = new Set<Silence>();

  add(silence: Silence): void {
    const key = keyOf(silence);
    if (key === undefined) this.#others.add(silence);
    else {
      let found = this.#byLabel.get(key);
      if (!found) {
        found = new Set();
        this.#byLabel.set(key, found);
      }
      found.add(silence);
    }
  }

  delete(silence: Silence): void {
    this.#others.delete(silence);
    const key = keyOf(silence);
    const found = key === undefined ? undefined : this.#byLabel.get(key);
    if (key !== undefined && found?.delete(silence) && found.size === 0) this.#byLabel.delete(key);
  }

  /** Ids of active silences that match, sorted. */
  activeFor(labels: Labels, nowMs: number): readonly string[] {
    const ids: string[] = [];
    const tryAll = (silences: Iterable<Silence>) => {
      for (const silence of silences) {
        if (silenceState(silence.record, nowMs) === 'active' && silence.matches(labels)) ids.push(silence.record.id);
      }
    };
    if (this.#byLabel.size > 0) {
      for (const { name, value } of labels) tryAll(this.#byLabel.get(`${name}\u0000${value}`) ?? []);
    }
    tryAll(this.#others);
    return ids.sort();
  }
}

function keyOf({ record }: Silence): string | undefined {
  const exact = record.matchers.find(({ isRegex, isEqual, value }) => !isRegex && isEqual && value !== '');
  return exact && `${exact.name}\u0000${exact.value}`;
}
