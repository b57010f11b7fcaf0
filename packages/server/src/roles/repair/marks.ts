import { labelStart, metricNameOf, type RowBatch } from '@tidemark/model';

// Hours whose rows have to be made from raw samples, as the rollup asks for them (docs/format/topics.md), and when.
//
//   mark, hour over      due soon, when no more of the same come; then done
//   mark, hour open      due soon for minutes that are over; then the whole hour: when the rollup marks it again at its end,
//                        or, where it stands still, when the wall clock is well past it
//
// One entry a metric and hour: its series are read together. When they are too many to name, the entry stands for all series
// of the metric: more is made anew, and the same comes out.

export interface MarksOptions {
  /** First pause between the last mark and its repair; doubles with each repair while marks keep coming. */
  readonly delayMs: number;
  readonly delayMaxMs: number;
  /** How long after the first mark a repair waits for the last: a sender that catches up marks an hour until it is through. */
  readonly calmMaxMs: number;
  /** How long an hour that is done is remembered, for the pauses before it is done again. */
  readonly rememberMs: number;
  /** How far past an hour's end it is over without the rollup's word. */
  readonly overAfterMs: number;
  readonly entriesMax: number;
  /** Series named by all entries together; above it an entry stands for its whole metric. */
  readonly seriesMax: number;
}

export const DEFAULT_MARKS_OPTIONS: MarksOptions = {
  delayMs: 2_000,
  delayMaxMs: 120_000,
  calmMaxMs: 60_000,
  rememberMs: 600_000,
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
  /** Ends of the first and last minute whose rows lack points; first after last: none, only the hour's row does. */
  readonly firstMinuteMs: number;
  readonly lastMinuteMs: number;
}

export interface MarkedHour extends SavedHour {
  series: Set<string> | undefined;
  offset: number;
  closedThroughMs: number;
  firstMinuteMs: number;
  lastMinuteMs: number;
  /** Infinity: under way, or done and remembered for a while. */
  dueMs: number;
  /** When the first mark came since the last repair began; Infinity: none did. */
  sinceMs: number;
  /** Marks so far: more than when a repair began, and it has to be done again. */
  marks: number;
  /** Repairs since the first mark. */
  repairs: number;
  /** Of these, how many failed in a row. */
  failures: number;
  /** When all of it was done; Infinity before. */
  doneAtMs: number;
}

export interface RepairFacts {
  readonly marks: number;
  readonly whole: boolean;
  readonly throughMs: number;
  readonly nowMs: number;
}

const NO_MINUTE = { firstMinuteMs: 1, lastMinuteMs: 0 };
const FRESH = {
  sinceMs: Number.POSITIVE_INFINITY,
  marks: 0,
  repairs: 0,
  failures: 0,
  doneAtMs: Number.POSITIVE_INFINITY,
};

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

  /** Hours that are not done. */
  get size(): number {
    return this.all().length;
  }

  add(partition: number, { tenant, series, rows }: RowBatch, nowMs: number): void {
    const { delayMs, delayMaxMs, calmMaxMs } = this.#options;
    const labels = Buffer.from(series.labelBytes.buffer, series.labelBytes.byteOffset, series.labelBytes.byteLength);
    let hour: MarkedHour | undefined;
    for (let i = 0; i < rows.length; i++) {
      const at = rows.series[i] as number;
      const from = labelStart(series, at);
      const to = series.labelEnds[at] as number;
      const metric = metricNameOf(labels, from, to);
      const hourEndMs = rows.endMs[i] as number;
      // Series of a metric stand side by side.
      if (hour === undefined || hour.metric !== metric || hour.hourEndMs !== hourEndMs) {
        hour = this.#hourOf({ partition, tenant, metric, hourEndMs });
      }
      if (!hour) continue;
      if (hour.series) this.#addSeries(hour, hour.series, labels.toString('latin1', from, to));
      hour.marks++;
      hour.offset = Math.max(hour.offset, rows.offset[i] as number);
      hour.closedThroughMs = Math.max(hour.closedThroughMs, rows.lastMs[i] as number);
      addMinutes(hour, rows.min[i] as number, rows.max[i] as number);
      hour.doneAtMs = Number.POSITIVE_INFINITY;
      hour.sinceMs = Math.min(hour.sinceMs, nowMs);
      const pauseMs = Math.min(delayMs * 2 ** hour.repairs, delayMaxMs);
      hour.dueMs = Math.min(nowMs + pauseMs, hour.sinceMs + Math.max(pauseMs, calmMaxMs));
    }
    this.version++;
  }

  /** Hours that are due, the longest waiting first. Forgets what was done a while ago. */
  due(nowMs: number): MarkedHour[] {
    for (const hour of this.#hours.values()) {
      if (nowMs !== Number.POSITIVE_INFINITY && hour.doneAtMs + this.#options.rememberMs <= nowMs) this.#remove(hour);
    }
    return [...this.#hours.values()]
      .filter((hour) => hour.doneAtMs === Number.POSITIVE_INFINITY && this.#isDue(hour, nowMs))
      .sort((a, b) => a.dueMs - b.dueMs);
  }

  /** Also what a clock that ran ahead and was set back since has put off further than anything is. */
  #isDue({ dueMs, hourEndMs }: MarkedHour, nowMs: number): boolean {
    if (dueMs <= nowMs || dueMs === Number.POSITIVE_INFINITY) return dueMs <= nowMs;
    const { delayMaxMs, overAfterMs } = this.#options;
    return dueMs > Math.max(nowMs + delayMaxMs, hourEndMs + overAfterMs);
  }

  /** Whether the hour is over: its rows can be made whole. */
  isOver({ hourEndMs, closedThroughMs }: MarkedHour, nowMs: number): boolean {
    return closedThroughMs >= hourEndMs || nowMs >= hourEndMs + this.#options.overAfterMs;
  }

  /**
   * The hour was made anew, minutes through `throughMs`, as it was when it had so many `marks`; `whole`: with its own row. One
   * that is done is remembered for a while: should marks keep coming, it is made anew less and less often.
   */
  repaired(hour: MarkedHour, { marks, whole, throughMs, nowMs }: RepairFacts): void {
    this.version++;
    hour.repairs++;
    hour.failures = 0;
    if (hour.marks > marks) return;
    hour.sinceMs = Number.POSITIVE_INFINITY;
    if (hour.lastMinuteMs <= throughMs) Object.assign(hour, NO_MINUTE);
    if (!whole) {
      hour.dueMs = hour.hourEndMs + this.#options.overAfterMs;
      return;
    }
    this.#seriesCount -= hour.series?.size ?? 0;
    hour.series = new Set();
    hour.doneAtMs = nowMs;
    hour.dueMs = Number.POSITIVE_INFINITY;
  }

  /** Infinity: its repair begins. */
  postpone(hour: MarkedHour, untilMs: number): void {
    hour.dueMs = untilMs;
    hour.sinceMs = Number.POSITIVE_INFINITY;
  }

  drop(hour: MarkedHour): void {
    this.version++;
    this.#remove(hour);
  }

  /** What is not done. */
  all(): readonly MarkedHour[] {
    return [...this.#hours.values()].filter(({ doneAtMs }) => doneAtMs === Number.POSITIVE_INFINITY);
  }

  /** Takes what was saved; all of it is due soon. */
  load(hours: Iterable<SavedHour>, nowMs: number): void {
    for (const saved of hours) {
      const dueMs = nowMs + this.#options.delayMs;
      const hour = { ...saved, series: saved.series && new Set(saved.series), dueMs, ...FRESH };
      this.#hours.set(keyOf(hour), hour);
      this.#seriesCount += hour.series?.size ?? 0;
    }
  }

  #hourOf(of: HourToRepair): MarkedHour | undefined {
    const key = keyOf(of);
    let hour = this.#hours.get(key);
    if (hour) return hour;
    if (this.#hours.size >= this.#options.entriesMax) this.#forgetDone();
    if (this.#hours.size >= this.#options.entriesMax) {
      this.dropped++;
      return undefined;
    }
    const nothing = { offset: -1, closedThroughMs: Number.NEGATIVE_INFINITY, ...NO_MINUTE, ...FRESH };
    hour = { ...of, ...nothing, series: new Set<string>(), dueMs: Number.POSITIVE_INFINITY };
    this.#hours.set(key, hour);
    return hour;
  }

  #addSeries(hour: MarkedHour, series: Set<string>, labels: string): void {
    if (series.has(labels)) return;
    if (this.#seriesCount >= this.#options.seriesMax) {
      this.#seriesCount -= series.size;
      hour.series = undefined;
      return;
    }
    series.add(labels);
    this.#seriesCount++;
  }

  #forgetDone(): void {
    for (const hour of this.#hours.values()) if (hour.doneAtMs !== Number.POSITIVE_INFINITY) this.#remove(hour);
  }

  #remove(hour: MarkedHour): void {
    if (this.#hours.delete(keyOf(hour))) this.#seriesCount -= hour.series?.size ?? 0;
  }
}

function addMinutes(hour: MarkedHour, firstMs: number, lastMs: number): void {
  const none = hour.firstMinuteMs > hour.lastMinuteMs;
  hour.firstMinuteMs = none ? firstMs : Math.min(hour.firstMinuteMs, firstMs);
  hour.lastMinuteMs = none ? lastMs : Math.max(hour.lastMinuteMs, lastMs);
}

function keyOf({ partition, tenant, metric, hourEndMs }: HourToRepair): string {
  return `${partition}/${hourEndMs}/${tenant}/${metric}`;
}
