import { bytesEqual, must } from '@tidemark/base';
import { decodeLabels, metricNameOf } from '@tidemark/model';
import { ExemplarPages, HAS_NO_TIME, LABEL_BYTES_MAX, NOTHING, type PackedExemplar } from './pages.ts';

// One tenant's exemplars: pages of them in order of arrival, and its series, each with where its newest one is.
//
// As in Prometheus a series takes only what is later than its newest; the same again is no news. That also makes a record of the
// log that comes again harmless, for what it brings is no later than what it brought before. A series is remembered for as long
// as an exemplar of it is.

export type ExemplarOutcome = 'stored' | 'duplicate' | 'out_of_order' | 'malformed';

export interface NewExemplar {
  /** Canonical labels of the series. */
  readonly series: Uint8Array;
  readonly timestampMs: number;
  readonly value: number;
  /** Canonical. */
  readonly labels: Uint8Array;
  readonly hasNoTime: boolean;
}

/** A series that has at least one. */
export interface ExemplarSeries {
  readonly number: number;
  readonly key: string;
  readonly labels: Uint8Array;
  readonly metric: string;
  /** Address of its newest. */
  newest: number;
  count: number;
}

// Objects, two places in maps and one in a list; its labels are there twice, as bytes and as a key of as many characters.
const SERIES_BYTES = 320;

export class TenantExemplars {
  readonly pages = new ExemplarPages();
  readonly #byLabels = new Map<string, ExemplarSeries>();
  readonly #byMetric = new Map<string, Set<ExemplarSeries>>();
  readonly #byNumber: (ExemplarSeries | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  #seriesBytes = 0;

  get bytes(): number {
    return this.pages.bytes + this.#seriesBytes;
  }

  /** Series of a metric, or all. */
  series(metric?: string): Iterable<ExemplarSeries> {
    return metric === undefined ? this.#byLabels.values() : (this.#byMetric.get(metric) ?? []);
  }

  seriesNumbered(number: number): ExemplarSeries {
    return must(this.#byNumber[number]);
  }

  /** Takes an exemplar, or says why not. Older ones go, as far as it takes to stay within `bytesMax`; `onEvicted` counts them. */
  add(one: NewExemplar, bytesMax: number, onEvicted: () => void): ExemplarOutcome {
    const key = keyOf(one.series);
    const known = this.#byLabels.get(key);
    if (known !== undefined) {
      const refused = this.#refusal(known, one);
      if (refused !== undefined) return refused;
    } else if (!isWhole(one.series)) return 'malformed';
    if (one.labels.length > LABEL_BYTES_MAX || !isWhole(one.labels)) return 'malformed';
    if (!Number.isSafeInteger(one.timestampMs)) return 'malformed';
    const wanted = () =>
      this.pages.growth(one.labels.length) + (this.#byLabels.has(key) ? 0 : costOf(one.series.length));
    while (this.pages.count > 0 && this.bytes + wanted() > bytesMax) {
      this.dropOldest();
      onEvicted();
    }
    this.#append(this.#byLabels.get(key) ?? this.#newSeries(key, one.series), one);
    return 'stored';
  }

  /** Requires: there is one. */
  dropOldest(): void {
    const { series: number } = this.pages.oldest();
    this.pages.dropOldest();
    const series = this.seriesNumbered(number);
    if (--series.count === 0) this.#forget(series);
  }

  /** A series' exemplars that are still there, newest first. */
  *ofSeries(series: ExemplarSeries): Iterable<PackedExemplar> {
    for (let at = series.newest; at !== NOTHING && !this.pages.isGone(at); ) {
      const one = this.pages.read(at);
      yield one;
      at = one.before;
    }
  }

  #refusal(series: ExemplarSeries, one: NewExemplar): ExemplarOutcome | undefined {
    let isNewest = true;
    for (const held of this.ofSeries(series)) {
      if (isSame(held, one, isNewest)) return 'duplicate';
      if (isNewest && one.timestampMs > held.timestampMs) return undefined;
      if (held.timestampMs < one.timestampMs) break;
      isNewest = false;
    }
    return 'out_of_order';
  }

  #append(series: ExemplarSeries, { timestampMs, value, labels, hasNoTime }: NewExemplar): void {
    series.newest = this.pages.append({
      before: series.count === 0 ? NOTHING : series.newest,
      timestampMs,
      value,
      series: series.number,
      flags: hasNoTime ? HAS_NO_TIME : 0,
      labels,
    });
    series.count++;
  }

  #newSeries(key: string, labels: Uint8Array): ExemplarSeries {
    const number = this.#freeNumbers.pop() ?? this.#byNumber.length;
    const metric = metricNameOf(labels);
    const series: ExemplarSeries = { number, key, labels: labels.slice(), metric, newest: NOTHING, count: 0 };
    this.#byNumber[number] = series;
    this.#byLabels.set(key, series);
    const sameMetric = this.#byMetric.get(metric);
    if (sameMetric) sameMetric.add(series);
    else this.#byMetric.set(metric, new Set([series]));
    this.#seriesBytes += costOf(labels.length);
    return series;
  }

  #forget(series: ExemplarSeries): void {
    this.#byNumber[series.number] = undefined;
    this.#freeNumbers.push(series.number);
    this.#byLabels.delete(series.key);
    const sameMetric = must(this.#byMetric.get(series.metric));
    sameMetric.delete(series);
    if (sameMetric.size === 0) this.#byMetric.delete(series.metric);
    this.#seriesBytes -= costOf(series.labels.length);
  }
}

/**
 * Whether it is the same exemplar. A page without times shows the newest again and again, each time at another one: of those that
 * name none, labels and value decide. NaN is never the same, as in Prometheus.
 */
function isSame(held: PackedExemplar, one: NewExemplar, isNewest: boolean): boolean {
  const timeDecides = !(isNewest && one.hasNoTime && (held.flags & HAS_NO_TIME) !== 0);
  return (
    (!timeDecides || held.timestampMs === one.timestampMs) &&
    held.value === one.value &&
    bytesEqual(held.labels, 0, held.labels.length, one.labels, 0, one.labels.length)
  );
}

function costOf(labelBytes: number): number {
  return SERIES_BYTES + 2 * labelBytes;
}

function keyOf(labels: Uint8Array): string {
  return Buffer.from(labels.buffer, labels.byteOffset, labels.length).toString('latin1');
}

function isWhole(labels: Uint8Array): boolean {
  try {
    decodeLabels(labels);
    return true;
  } catch {
    return false;
  }
}
