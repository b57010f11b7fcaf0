import { type Clock, isTidemarkError, type Logger, messageOf, type SelfMetrics, TaskGroup } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import {
  decodeLabels,
  encodeLabels,
  encodeRowBatch,
  GENERATIONS,
  leftOpen,
  METRIC_NAME,
  matcher,
  offsetInSource,
  type RawRole,
  RESOLUTION_MS,
  type Resolution,
  revisionOffset,
  type SelectedSeries,
  type SeriesSource,
} from '@tidemark/model';
import type { Trouble } from '../trouble.ts';
import { HourRows, type MadeRow, minutesOf, rowBatch } from './make-rows.ts';
import type { MarkedHour, Marks } from './marks.ts';

// Makes rows from raw samples where the rollup said that its own lack points.
//
//   marks (1h topic) --> Marks --due--> select raw of the hour --> rows of generation 2 --> 1m and 1h topics --> storer
//
// Their revision's offset is how far their topic of raw had been read: a later repair of the same hour beats an earlier one. Hour after
// hour, a few at a time; what cannot be read whole is not published but tried again.

export interface RepairerOptions {
  readonly log: Log;
  readonly source: SeriesSource;
  readonly marks: Marks;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  /** Topic of the rows, by resolution. */
  readonly topics: Readonly<Record<Resolution, string>>;
  /** The offset this topic of raw samples was read through, of this partition: what is below is in the source. */
  readonly readThrough: (source: RawRole, partition: number) => number;
  /** How long raw samples of a metric are kept. */
  readonly rawKeptMs: (tenant: string, metric: string) => number;
  readonly onFailure: (what: string, error: unknown) => void;
}

/** A series of the hour: its labels in canonical bytes, the same as marks name them by, and what raw has of it. */
interface FoundSeries {
  readonly labels: Uint8Array;
  readonly key: string;
  readonly samples: SelectedSeries;
}

const MINUTE_MS = RESOLUTION_MS['1m'];
const HOUR_MS = RESOLUTION_MS['1h'];
const LOOK_MS = 5_000;
// 500,000 samples are 8 MB: an hour of 1,400 series at 10 s. More are read in parts of the hour.
const SAMPLES_MAX = 500_000;
const AT_ONCE = 8;
const SERIES_MAX = 1_000_000;
// Up to here series are asked for one by one; above it by their metric.
const SERIES_BY_NAME_MAX = 16;
const ROWS_PER_BATCH = 4_096;
const RETRY_MS = 30_000;
// Ten hours of trying: an object store that was away is back by then.
const FAILURES_MAX = 1_200;

export class Repairer {
  readonly #options: RepairerOptions;
  readonly #tasks: TaskGroup;
  readonly #rows;
  readonly #hours;
  readonly #given;
  #underWay: Promise<void> = Promise.resolve();

  constructor(options: RepairerOptions) {
    this.#options = options;
    this.#tasks = new TaskGroup(options.onFailure);
    const { metrics, marks } = options;
    this.#rows = metrics.counter('tidemark_repair_rows_total', 'Rows made from raw samples and published.');
    this.#hours = metrics.counter('tidemark_repair_done_total', 'Hours of a metric made anew from raw samples.');
    this.#given = metrics.counters('tidemark_repair_given_up_total', 'Hours of a metric that were not made anew.', [
      'reason',
    ]);
    metrics.gaugeFrom('tidemark_repair_waiting', 'Hours of a metric that wait to be made anew.', () => marks.size);
  }

  start(trouble: Trouble): void {
    const { clock } = this.#options;
    this.#tasks.spawn('repair', async (signal) => {
      for (;;) {
        await clock.sleep(LOOK_MS, signal);
        try {
          await this.run(clock.nowMs(), signal);
          trouble.succeeded();
        } catch (error) {
          if (signal.aborted) throw error;
          trouble.failed(error);
        }
      }
    });
  }

  async close(): Promise<void> {
    await this.#tasks.close();
  }

  /** Repairs what is due at `nowMs`; Infinity: everything that can be. Throws the last error met on the way. */
  run(nowMs: number, signal: AbortSignal): Promise<void> {
    const turn = this.#underWay.then(() => this.#runDue(nowMs, signal));
    this.#underWay = turn.catch(() => undefined);
    return turn;
  }

  async #runDue(nowMs: number, signal: AbortSignal): Promise<void> {
    const { marks, clock, readThrough } = this.#options;
    const due = marks.due(nowMs).filter((hour) => isRead(hour, readThrough));
    let problem: unknown;
    const tryOne = async (hour: MarkedHour): Promise<void> => {
      try {
        await this.#repair(hour, signal);
      } catch (error) {
        problem = error;
        hour.failures++;
        marks.postpone(hour, clock.nowMs() + RETRY_MS);
        if (hour.failures >= FAILURES_MAX) this.#giveUp(hour, 'unreadable', messageOf(error));
      }
    };
    // Several at a time, so that they share the log's syncs.
    for (let at = 0; at < due.length; at += AT_ONCE) {
      signal.throwIfAborted();
      await Promise.all(due.slice(at, at + AT_ONCE).map(tryOne));
    }
    if (problem !== undefined) throw problem;
  }

  #giveUp(hour: MarkedHour, reason: string, because: string): void {
    const { marks, logger } = this.#options;
    marks.drop(hour);
    this.#given.with(reason).add();
    const { partition, tenant, metric, hourEndMs } = hour;
    logger.warn('rows stay as they are: they cannot be made from raw samples', {
      ...{ partition, tenant, metric, hourEndMs, because },
    });
  }

  async #repair(hour: MarkedHour, signal: AbortSignal): Promise<void> {
    const { marks, clock, rawKeptMs, readThrough } = this.#options;
    const nowMs = clock.nowMs();
    // Made of half of its samples it would be worse than it is.
    if (hour.hourEndMs - HOUR_MS < nowMs - rawKeptMs(hour.tenant, hour.metric) + MINUTE_MS)
      return this.#giveUp(hour, 'expired', 'raw is gone');
    const whole = marks.isOver(hour, nowMs);
    const { firstMinuteMs, lastMinuteMs } = hour;
    const throughMs = whole ? hour.hourEndMs : Math.floor(hour.closedThroughMs / MINUTE_MS) * MINUTE_MS;
    // An hour's row needs all of it, minutes under way only themselves.
    const beginMs = whole ? hour.hourEndMs - HOUR_MS : firstMinuteMs - MINUTE_MS;
    const endMs = whole ? throughMs : Math.min(throughMs, lastMinuteMs);
    const lacking = ({ endMs: at }: MadeRow) => at >= firstMinuteMs && at <= lastMinuteMs;
    const taken = hour.marks;
    marks.postpone(hour, Number.POSITIVE_INFINITY);
    const { source } = offsetInSource(hour.offset);
    const offset = revisionOffset(source, readThrough(source, hour.partition) - 1);
    const made = new HourRows(hour.hourEndMs);
    let lengthMs = HOUR_MS;
    for (let fromMs = beginMs; fromMs < endMs; ) {
      const untilMs = Math.min(fromMs + lengthMs, endMs);
      const series = await this.#select(hour, fromMs, untilMs, signal);
      if (series === undefined) {
        lengthMs = Math.max(MINUTE_MS, Math.floor(lengthMs / 2 / MINUTE_MS) * MINUTE_MS);
        continue;
      }
      const minutes = series.map(({ labels, key, samples }) => ({ key, rows: minutesOf(labels, samples) }));
      const wanted = minutes.flatMap(({ rows }) => rows.filter(lacking));
      await this.#publish(hour, '1m', wanted, offset);
      for (const { key, rows } of minutes) for (const row of rows) made.add(key, row);
      fromMs = untilMs;
    }
    if (whole) await this.#publish(hour, '1h', made.rows(), offset);
    marks.repaired(hour, { marks: taken, whole, throughMs, nowMs });
    this.#hours.add();
  }

  /** Undefined when it is too much at once. Throws when raw cannot be read whole. */
  async #select(
    hour: MarkedHour,
    afterMs: number,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<readonly FoundSeries[] | undefined> {
    const { source } = this.#options;
    const found: FoundSeries[] = [];
    const limits = { seriesMax: SERIES_MAX, samplesMax: SAMPLES_MAX };
    for (const matchers of questionsFor(hour)) {
      try {
        const range = leftOpen(afterMs, untilMs);
        const answer = await source.select({ tenant: hour.tenant, matchers, range, limits, signal });
        if (answer.warnings.length > 0) throw new Error(answer.warnings.join('; '));
        for (const samples of answer.series) {
          const labels = encodeLabels(samples.labels);
          const key = Buffer.from(labels).toString('latin1');
          if (!hour.series || hour.series.has(key)) found.push({ labels, key, samples });
        }
      } catch (error) {
        const tooMany = isTidemarkError(error, 'SELECT_TOO_MANY_SAMPLES') && untilMs - afterMs > MINUTE_MS;
        if (!tooMany) throw error;
        return undefined;
      }
    }
    return found;
  }

  async #publish(hour: MarkedHour, resolution: Resolution, made: readonly MadeRow[], offset: number): Promise<void> {
    const { log, topics, clock } = this.#options;
    const revision = { generation: GENERATIONS.repair, offset };
    for (let from = 0; from < made.length; from += ROWS_PER_BATCH) {
      const some = made.slice(from, from + ROWS_PER_BATCH);
      const value = encodeRowBatch(rowBatch(hour.tenant, resolution, some, revision, clock.nowMs()));
      await log.append([{ topic: topics[resolution], partition: hour.partition, key: null, value }]);
      this.#rows.add(some.length);
    }
  }
}

/** Whether all that the marks are about is in the store: samples of a metric and hour come by one topic. */
function isRead(hour: MarkedHour, readThrough: RepairerOptions['readThrough']): boolean {
  const { source, offset } = offsetInSource(hour.offset);
  return readThrough(source, hour.partition) > offset;
}

/** Matchers that find the hour's series, and perhaps others. */
function questionsFor({ series, metric }: MarkedHour) {
  const byName = metric !== '' && (series === undefined || series.size > SERIES_BY_NAME_MAX);
  if (byName) return [[matcher('=', METRIC_NAME, metric)]];
  return [...(series ?? [])].map((labels) =>
    decodeLabels(Buffer.from(labels, 'latin1')).map(({ name, value }) => matcher('=', name, value)),
  );
}
