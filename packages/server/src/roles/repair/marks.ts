import { decodeLabels, labelStart, labelValue, METRIC_NAME, type RowBatch } from '@tidemark/model';

// Hours whose rows have to be made from raw samples, as the rollup asks for them (docs/format/topics.md), and when.
//
//   mark, hour over      due soon; then done
//   mark, hour open      due soon for minutes that are over; then the whole hour: when the rollup marks it again at its end,
//                        or, where it stands still, when the wall clock is well past it
//
// One entry a metric and hour: its series are read together. When they are too many to name, the entry stands for all series
// of the metric: more is made anew, and the same comes out.

export interface MarksOptions {
  /** First pause between a mark and its repair, in which more of the same may come; doubles while they keep coming. */
  readonly delayMs: number;
  readonly delayMaxMs: number;
  /** How far past an hour's end it is over without the rollup's word. */
  readonly overAfterMs: number;
  readonly entriesMax: number;
  /** Series named by all entries together; above it an entry stands for its whole metric. */
  readonly seriesMax: number;
}

export const DEFAULT_MARKS_OPTIONS: MarksOptions = {
  delayMs: 2_000,
  delayMaxMs: 120_000,
  // Grace, and what gateways' clocks and batches on their way may add.
  overAfterMs: 420_000,
  entriesMax: 100_000,
  seriesMax: 100_000,
};

export interface HourToRepair {
  readonly partition: number;
  readonly tenant: string;
  readonly metric: string;
  readonly hourEndMs: number;
}

/** What outlives the process. */
export interface SavedHour extends HourToRepair {
  /** Canonical labels as latin1 text, one character a byte; undefined: every series of the metric. */
  readonly series: ReadonlySet<string> | undefined;
  /** Raw has to be read past this. */
  readonly offset: number;
  /** Minutes that end here or before get no more rows from the rollup. */
  readonly closedThroughMs: number;
}

export interface MarkedHour extends SavedHour {
  series: Set<string> | undefined;
  offset: number;
  closedThroughMs: number;
  dueMs: number;
  /** Marks so far: more than when a repair began, and it has to be done again. */
  marks: number;
  /** Repairs since the first mark. */
  repairs: number;
  /** Of these, how many failed in a row. */
  failures: number;
}

export class Marks {
  readonly #options: MarksOptions;
  readonly #hours = new Map<string, MarkedHour>();
  #seriesCount = 0;
  /** Marks there was no room for. */
  dropped = 0;
  /** Rises with every change. */
  version = 0;

  constructor(options: MarksOptions = DEFAULT_MARKS_OPTIONS) {
    this.#options = options;
  }

  get size(): number {
    return this.#hours.size;
  }

  add(partition: number, { tenant, series, rows }: RowBatch, nowMs: number): void {
    for (let i = 0; i < rows.length; i++) {
      const at = rows.series[i] as number;
      const bytes = series.labelBytes.subarray(labelStart(series, at), series.labelEnds[at] as number);
      const metric = labelValue(decodeLabels(bytes), METRIC_NAME);
      const hour = this.#hourOf({ partition, tenant, metric, hourEndMs: rows.endMs[i] as number });
      if (!hour) continue;
      this.#addSeries(hour, Buffer.from(bytes).toString('latin1'));
      hour.marks++;
      hour.offset = Math.max(hour.offset, rows.offset[i] as number);
      hour.closedThroughMs = Math.max(hour.closedThroughMs, rows.lastMs[i] as number);
      const delayMs = Math.min(this.#options.delayMs * 2 ** hour.repairs, this.#options.delayMaxMs);
      hour.dueMs = Math.min(hour.dueMs, nowMs + delayMs);
    }
    this.version++;
  }

  /** Hours that are due, the longest waiting first. */
  due(nowMs: number): MarkedHour[] {
    return [...this.#hours.values()].filter(({ dueMs }) => dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs);
  }

  /** Whether the hour is over: its rows can be made whole. */
  isOver({ hourEndMs, closedThroughMs }: MarkedHour, nowMs: number): boolean {
    return closedThroughMs >= hourEndMs || nowMs >= hourEndMs + this.#options.overAfterMs;
  }

  /** The hour was made anew as it was when it had so many `marks`; `whole`: with its own row. */
  repaired(hour: MarkedHour, marks: number, whole: boolean): void {
    this.version++;
    hour.repairs++;
    hour.failures = 0;
    if (hour.marks > marks) return;
    if (whole) this.#remove(hour);
    else hour.dueMs = hour.hourEndMs + this.#options.overAfterMs;
  }

  postpone(hour: MarkedHour, untilMs: number): void {
    hour.dueMs = untilMs;
  }

  drop(hour: MarkedHour): void {
    this.version++;
    this.#remove(hour);
  }

  all(): Iterable<MarkedHour> {
    return this.#hours.values();
  }

  /** Takes what was saved; all of it is due soon. */
  load(hours: Iterable<SavedHour>, nowMs: number): void {
    for (const saved of hours) {
      const dueMs = nowMs + this.#options.delayMs;
      const hour = {
        ...saved,
        series: saved.series && new Set(saved.series),
        dueMs,
        marks: 0,
        repairs: 0,
        failures: 0,
      };
      this.#hours.set(keyOf(hour), hour);
      this.#seriesCount += hour.series?.size ?? 0;
    }
  }

  #hourOf(of: HourToRepair): MarkedHour | undefined {
    const key = keyOf(of);
    let hour = this.#hours.get(key);
    if (hour) return hour;
    if (this.#hours.size >= this.#options.entriesMax) {
      this.dropped++;
      return undefined;
    }
    const nothing = { offset: -1, closedThroughMs: Number.NEGATIVE_INFINITY, marks: 0, repairs: 0, failures: 0 };
    hour = { ...of, ...nothing, series: new Set<string>(), dueMs: Number.POSITIVE_INFINITY };
    this.#hours.set(key, hour);
    return hour;
  }

  #addSeries(hour: MarkedHour, labels: string): void {
    if (!hour.series || hour.series.has(labels)) return;
    if (this.#seriesCount >= this.#options.seriesMax) {
      this.#seriesCount -= hour.series.size;
      hour.series = undefined;
      return;
    }
    hour.series.add(labels);
    this.#seriesCount++;
  }

  #remove(hour: MarkedHour): void {
    if (this.#hours.delete(keyOf(hour))) this.#seriesCount -= hour.series?.size ?? 0;
  }
}

function keyOf({ partition, tenant, metric, hourEndMs }: HourToRepair): string {
  return `${partition}/${hourEndMs}/${tenant}/${metric}`;
}
