// The naive time-series database, so simple that it is obviously right. It knows no product code: labels are names and
// values, a regex is JavaScript's, a series is a Map from time to value.

export interface OracleLabel {
  readonly name: string;
  readonly value: string;
}

export interface OracleMatcher {
  readonly type: '=' | '!=' | '=~' | '!~';
  readonly name: string;
  readonly value: string;
}

export interface OracleSeries {
  readonly labels: readonly OracleLabel[];
  /** Rising in time, one sample per time. */
  readonly samples: readonly { readonly timestampMs: number; readonly value: number }[];
}

export class Oracle {
  readonly #series = new Map<string, { labels: readonly OracleLabel[]; samples: Map<number, number> }>();

  /** Keeps the sample. At a time that has one already the last value wins. */
  append(labels: readonly OracleLabel[], timestampMs: number, value: number): void {
    const kept = canonical(labels);
    const key = JSON.stringify(kept.map(({ name, value: text }) => [name, text]));
    const found = this.#series.get(key) ?? { labels: kept, samples: new Map<number, number>() };
    found.samples.set(timestampMs, value);
    this.#series.set(key, found);
  }

  /** Series that every matcher accepts and that have samples in `[startMs, endMs)`, sorted by their labels. */
  select(matchers: readonly OracleMatcher[], startMs = -Infinity, endMs = Infinity): OracleSeries[] {
    const found: OracleSeries[] = [];
    for (const [, { labels, samples }] of [...this.#series].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!matchers.every((matcher) => accepts(matcher, labels))) continue;
      const inRange = [...samples]
        .filter(([timestampMs]) => timestampMs >= startMs && timestampMs < endMs)
        .sort(([a], [b]) => a - b)
        .map(([timestampMs, value]) => ({ timestampMs, value }));
      if (inRange.length > 0) found.push({ labels, samples: inRange });
    }
    return found;
  }

  /** How many samples are kept in all. */
  get size(): number {
    let size = 0;
    for (const { samples } of this.#series.values()) size += samples.size;
    return size;
  }
}

/** A label that is absent has the value ''. */
function accepts(matcher: OracleMatcher, labels: readonly OracleLabel[]): boolean {
  const value = labels.find(({ name }) => name === matcher.name)?.value ?? '';
  switch (matcher.type) {
    case '=':
      return value === matcher.value;
    case '!=':
      return value !== matcher.value;
    case '=~':
      return new RegExp(`^(?:${matcher.value})$`, 'su').test(value);
    case '!~':
      return !new RegExp(`^(?:${matcher.value})$`, 'su').test(value);
  }
}

/** Sorted by the UTF-8 bytes of the name; without empty values, which mean absent. */
function canonical(labels: readonly OracleLabel[]): readonly OracleLabel[] {
  return labels
    .filter(({ value }) => value !== '')
    .map(({ name, value }) => ({ name, value }))
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}
