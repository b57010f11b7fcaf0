import {
  type Clock,
  isTidemarkError,
  type Random,
  type SelfMetrics,
  SnappyDecoder,
  type TidemarkError,
} from '@tidemark/base';
import type { Log, OutgoingRecord } from '@tidemark/log';
import {
  type AppendOutcome,
  decodeHistogram,
  type ExemplarColumns,
  exemplarLabelBytes,
  type HistogramColumns,
  histogramBytes,
  histogramProblem,
  type MetricMetadata,
  type SampleBatch,
  type SampleSink,
  wordsOf,
} from '@tidemark/model';
import { admit, admitHistograms, timeBounds } from './admission/admit.ts';
import { admitExemplars } from './admission/admit-exemplars.ts';
import { Refusals } from './admission/refusals.ts';
import { criticalUnknown, rateLimited } from './errors.ts';
import { IngestMetrics } from './ingest-metrics.ts';
import { DEFAULT_INGEST_OPTIONS, type IngestLimits, type IngestOptions } from './options.ts';
import { IntakeColumns } from './protocol/intake-columns.ts';
import { IntakeExemplars } from './protocol/intake-exemplars.ts';
import { IntakeHistograms } from './protocol/intake-histograms.ts';
import { RemoteWriteDecoder } from './protocol/remote-write.ts';
import type { HistogramRefusal } from './protocol/wire-histogram.ts';
import { WireLabels } from './protocol/wire-labels.ts';
import { Publisher } from './publish/publisher.ts';
import { CriticalMetrics, type CriticalSpan } from './route/critical.ts';
import { partitionMetadata } from './route/partition-key.ts';
import { PartitionSplitter } from './route/partition-records.ts';
import { Routes } from './route/routes.ts';
import type { SectionTable } from './series/section-table.ts';
import type { SeriesTable } from './series/series-table.ts';
import { type TenantIntake, TenantIntakes } from './tenant-intake.ts';

// The way of a sample in, on one page.
//
//   remote write body --snappy--> protobuf --decode--> columns (ref, time, value)     refs: the tenant's directory
//   SampleBatch --------------------------------copy-> columns                        refs: the batch's own section
//                                                        |
//                 rate limit -> time policy, active series (admit) -> records by partition (split) -> encode -> log
//                                                        |
//                                        refused: counted by reason, named in the answer
//
// Everything up to the log is synchronous, on buffers that are used again: a request that is being decoded has the thread,
// and refs and scratch columns never live across an await. Acknowledged means: the log has it.

export interface IngestParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: SelfMetrics;
}

const NO_REFUSALS: readonly (readonly [string, number])[] = [];
const NO_METADATA: readonly MetricMetadata[] = [];
/** A buffer for decoded requests larger than this is let go after the request. */
const DECODE_KEEP_BYTES = 4 * 1024 * 1024;

export class IngestPipeline implements SampleSink {
  readonly options: IngestOptions;
  readonly metrics: IngestMetrics;
  readonly #clock: Clock;
  readonly #tenants: TenantIntakes;
  readonly #snappy: SnappyDecoder;
  readonly #remoteWrite: RemoteWriteDecoder;
  readonly #columns = new IntakeColumns();
  readonly #exemplars: IntakeExemplars;
  readonly #histograms = new IntakeHistograms();
  readonly #routes: Routes;
  readonly #splitter: PartitionSplitter;
  readonly #publisher: Publisher;
  #admittedAtMs = 0;
  #criticalSpans: readonly CriticalSpan[] | undefined;
  #criticalUntilMs = Number.POSITIVE_INFINITY;

  constructor(parts: IngestParts, options: Partial<IngestOptions> = {}) {
    this.options = { ...DEFAULT_INGEST_OPTIONS, ...options };
    this.#clock = parts.clock;
    const labels = new WireLabels(this.options);
    const seed = parts.random.below(2 ** 32);
    this.#routes = new Routes(this.options.partitions);
    this.#tenants = new TenantIntakes({ clock: parts.clock, seed, labels, routes: this.#routes }, this.options);
    this.#snappy = new SnappyDecoder({ decodedBytesMax: this.options.decodedBytesMax, keepBytes: DECODE_KEEP_BYTES });
    this.#remoteWrite = new RemoteWriteDecoder(this.options, labels);
    this.#exemplars = new IntakeExemplars(this.options);
    this.#splitter = new PartitionSplitter(this.#routes, this.options.recordBytes);
    this.#publisher = new Publisher(parts.log, this.options);
    this.metrics = new IngestMetrics(parts.metrics, this.#tenants, this.#publisher);
  }

  /** From the next request on. */
  setLimits(limits: IngestLimits): void {
    Object.assign(this.options, limits);
    for (const tenant of this.#tenants.all()) tenant.takeLimits();
    this.#publisher.takeLimits();
  }

  /**
   * Which metrics are critical, span by span (route/critical.ts), from the next request on. It is good until `untilMs` of the
   * monotonic clock: without a word by then requests are refused, for samples by the wrong topic would make wrong rows.
   */
  setCritical(spans: readonly CriticalSpan[], untilMs = Number.POSITIVE_INFINITY): void {
    this.#criticalUntilMs = untilMs;
    if (spans === this.#criticalSpans) return;
    this.#criticalSpans = spans;
    this.#routes.setCritical(new CriticalMetrics(spans));
    for (const tenant of this.#tenants.all()) tenant.forgetWays();
  }

  /** The sink of one source; `protocol` is its name in the metrics (`scrape`, `host`, `exposition`). */
  sinkFor(protocol: string): SampleSink {
    return { append: (batch, signal) => this.#appendBatch(batch, protocol, signal) };
  }

  /** As `SampleSink` has it, with the protocol `internal`. */
  append(batch: SampleBatch, signal?: AbortSignal): Promise<AppendOutcome> {
    return this.#appendBatch(batch, 'internal', signal);
  }

  /**
   * Takes the body of one remote write 1.0 request, still compressed; it may be reused when the promise is there.
   *
   * Promises: as SampleSink.append; a native histogram is a sample like any other.
   * Throws `SNAPPY_MALFORMED`, `SNAPPY_TOO_LARGE`, `PROTOBUF_MALFORMED`, `INGEST_REQUEST_TOO_LARGE`,
   * `INGEST_RATE_LIMITED`, `INGEST_OVERLOADED`, `INGEST_UNAVAILABLE`, the signal's reason.
   */
  async appendRemoteWrite(tenantName: string, body: Uint8Array, signal?: AbortSignal): Promise<AppendOutcome> {
    return this.#run(tenantName, 'remote_write', signal, (tenant, refusals) => {
      const request = this.#snappy.decode(body);
      const into = { columns: this.#columns, exemplars: this.#exemplars, histograms: this.#histograms };
      const metadata = this.#remoteWrite.decode(request, tenant.directory, into, refusals);
      return { table: tenant.directory, metadata };
    });
  }

  #appendBatch(batch: SampleBatch, protocol: string, signal: AbortSignal | undefined): Promise<AppendOutcome> {
    return this.#run(batch.tenant, protocol, signal, (tenant, refusals) => {
      const table = tenant.tableOf(batch.series);
      this.#fill(batch, table.problems, refusals);
      if (batch.histograms) this.#fillHistograms(batch.histograms, table, refusals);
      if (batch.exemplars) this.#fillExemplars(batch.exemplars, table.problems);
      return { table, metadata: batch.metadata ?? NO_METADATA };
    });
  }

  async #run(
    tenantName: string,
    protocol: string,
    signal: AbortSignal | undefined,
    decode: Decode,
  ): Promise<AppendOutcome> {
    const startedMs = this.#clock.monotonicMs();
    const refusals = new Refusals();
    try {
      signal?.throwIfAborted();
      this.#columns.reset();
      this.#exemplars.reset();
      this.#histograms.reset();
      const { accepted, critical, exemplars, records } = this.#prepare(tenantName, decode, refusals);
      await orAborted(this.#publisher.append(records), signal);
      this.metrics.accepted.with(tenantName, protocol).add(accepted);
      this.#countExemplars(exemplars, tenantName, protocol);
      if (critical > 0) this.metrics.critical.with(tenantName).add(critical);
      const refused = refusals.list();
      for (const { reason, count } of refused) this.metrics.refused.with(tenantName, protocol, reason).add(count);
      return { accepted, refused };
    } catch (error) {
      this.#countFailed(error, tenantName, protocol);
      throw error;
    } finally {
      this.metrics.requestSeconds.observe((this.#clock.monotonicMs() - startedMs) / 1000);
    }
  }

  /** The synchronous part: from the request to records ready for the log. */
  #prepare(tenantName: string, decode: Decode, refusals: Refusals): Prepared {
    this.#publisher.mustHaveRoom();
    if (this.#clock.monotonicMs() > this.#criticalUntilMs) throw criticalUnknown(this.options.retryAfterMs);
    const nowMs = this.#clock.nowMs();
    // Windows close by this clock: it must not go back when the machine's does.
    this.#admittedAtMs = Math.max(this.#admittedAtMs, nowMs);
    const tenant = this.#tenants.begin(tenantName, nowMs);
    const { table, metadata } = decode(tenant, refusals);
    const columns = this.#columns;
    const exemplars = this.#exemplars;
    const histograms = this.#histograms;
    const wanted = columns.count + histograms.list.length;
    const waitMs = tenant.bucket.take(wanted, nowMs);
    if (waitMs > 0) throw rateLimited(tenantName, wanted, this.options.samplesPerSecondMax, waitMs);
    const bounds = timeBounds(nowMs, this.options.rawRetentionMs);
    const { activeSeriesMax } = this.options;
    columns.count = admit(columns, table, bounds, tenant.active, activeSeriesMax, refusals);
    if (histograms.list.length > 0)
      admitHistograms(histograms, table, bounds, tenant.active, activeSeriesMax, refusals);
    if (exemplars.list.length > 0) admitExemplars(exemplars, table, bounds, tenant.active);
    const split = this.#splitter.split(columns, table, exemplars.list, histograms.list);
    const records = this.#publisher.encode(
      tenantName,
      this.#admittedAtMs,
      split,
      partitionMetadata(metadata, tenant.hash, this.options.partitions),
    );
    const critical = split.reduce((sum, record) => {
      return record.isCritical ? sum + record.values.length + (record.histograms?.series.length ?? 0) : sum;
    }, 0);
    const refused = exemplars.refused.size === 0 ? NO_REFUSALS : [...exemplars.refused];
    const accepted = columns.count + histograms.list.length;
    return { accepted, critical, exemplars: { accepted: exemplars.list.length, refused }, records };
  }

  /** Samples of a batch into the columns, those of refused series apart. */
  #fill(batch: SampleBatch, problems: SectionTable['problems'], refusals: Refusals): void {
    const columns = this.#columns;
    const { sampleSeries, timestampsMs } = batch;
    const words = wordsOf(batch.values);
    const count = sampleSeries.length;
    columns.reserve(count);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const series = sampleSeries[i] as number;
      if (problems.size > 0) {
        const problem = problems.get(series);
        if (problem) {
          refusals.add(problem.reason, 1, () => problem.example);
          continue;
        }
      }
      columns.refs[kept] = series;
      columns.timestampsMs[kept] = timestampsMs[i] as number;
      columns.words[kept * 2] = words[i * 2] as number;
      columns.words[kept * 2 + 1] = words[i * 2 + 1] as number;
      kept++;
    }
    columns.count = kept;
  }

  #fillHistograms(from: HistogramColumns, table: SectionTable, refusals: Refusals): void {
    for (let i = 0; i < from.series.length; i++) {
      const ref = from.series[i] as number;
      const problem = table.problems.get(ref);
      if (problem) {
        refusals.add(problem.reason, 1, () => problem.example);
        continue;
      }
      const bytes = histogramBytes(from, i);
      const reason = refusalOf(bytes);
      if (reason === undefined) this.#histograms.list.push({ ref, timestampMs: from.timestampsMs[i] as number, bytes });
      else refusals.add(reason, 1, () => `series ${table.describe(ref)} has a native histogram that is none`);
    }
  }

  #fillExemplars(from: ExemplarColumns, problems: SectionTable['problems']): void {
    for (let i = 0; i < from.series.length; i++) {
      const ref = from.series[i] as number;
      if (problems.has(ref)) {
        this.#exemplars.refuse('series_refused');
        continue;
      }
      this.#exemplars.add({
        ref,
        timestampMs: from.timestampsMs[i] as number,
        value: from.values[i] as number,
        labels: exemplarLabelBytes(from, i),
        hasNoTime: from.hasNoTime?.[i] === 1,
      });
    }
  }

  #countExemplars({ accepted, refused }: Prepared['exemplars'], tenant: string, protocol: string): void {
    if (accepted > 0) this.metrics.exemplars.with(tenant, protocol).add(accepted);
    for (const [reason, count] of refused) this.metrics.exemplarsRefused.with(tenant, protocol, reason).add(count);
  }

  #countFailed(error: unknown, tenant: string, protocol: string): void {
    const reason = isTidemarkError(error) ? FAILED_REASONS[error.code] : undefined;
    if (!reason) return;
    const samples = (error as TidemarkError).details['samples'];
    // Names made up by whoever sends are no labels of ours.
    const whose = reason === 'tenant_limit' ? 'other' : tenant;
    this.metrics.refused.with(whose, protocol, reason).add(typeof samples === 'number' ? samples : 1);
  }
}

/** What is wrong with the bytes of a histogram; undefined: nothing. */
function refusalOf(bytes: Uint8Array): HistogramRefusal | undefined {
  try {
    return histogramProblem(decodeHistogram(bytes));
  } catch (error) {
    if (isTidemarkError(error, 'HISTOGRAM_MALFORMED')) return 'histogram_malformed';
    throw error;
  }
}

type Decode = (tenant: TenantIntake, refusals: Refusals) => Decoded;

interface Decoded {
  readonly table: SeriesTable;
  readonly metadata: readonly MetricMetadata[];
}

interface Prepared {
  readonly accepted: number;
  /** How many of these are of critical metrics. */
  readonly critical: number;
  readonly exemplars: { readonly accepted: number; readonly refused: readonly (readonly [string, number])[] };
  readonly records: readonly OutgoingRecord[];
}

/** Whole requests refused, as the counter names it. */
const FAILED_REASONS: Readonly<Record<string, string>> = {
  INGEST_OVERLOADED: 'overloaded',
  INGEST_RATE_LIMITED: 'rate_limited',
  INGEST_UNAVAILABLE: 'log_unavailable',
  INGEST_TENANT_LIMIT: 'tenant_limit',
  INGEST_REQUEST_TOO_LARGE: 'request_too_large',
  SNAPPY_TOO_LARGE: 'request_too_large',
  SNAPPY_MALFORMED: 'malformed',
  PROTOBUF_MALFORMED: 'malformed',
};

/** What the promise comes to, or the signal's reason if that is first: the append then goes on, unacknowledged. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
