import { createHash } from 'node:crypto';
import { assert, ByteWriter, crc32c } from '@tidemark/base';
import { decodeUtf8, metricBytesOf } from '@tidemark/model';
import { writeChunk } from '../chunk/chunk.ts';
import type { Columns } from '../chunk/columns.ts';
import { TimesTable } from '../chunk/shared-times.ts';
import type { TenantTotals } from '../tiering/manifest.ts';
import type { BlockRange } from './chunk-columns.ts';
import { encodeFooter, INDEX_PAGE_BYTES, SEGMENT_MAGIC, type SegmentFooter, type SegmentTenant } from './format.ts';
import { encodeMetrics, type MetricTotals } from './metrics.ts';
import { encodeIndex } from './segment-index.ts';
import type { IndexedSeries, SegmentChunk } from './series-entry.ts';
import { writePages, writeStored } from './stored.ts';

// 64 KiB: one range read (some 15 ms at an object store) brings about 200 chunks of a metric.
const BLOCK_BYTES = 64 * 1024;
/** A window of scrapes every 10 s in one chunk: what a chunk costs beside its samples is paid once, and reads want all of it. */
export const SEGMENT_CHUNK_SAMPLES = 720;
/** Of an index with shared times: 1,500 scrapes with jitter in every two hours. Whoever reads a series reads all of it. */
const TIMES_BYTES_MAX = 512 * 1024;

type Metric = { -readonly [K in keyof MetricTotals]: MetricTotals[K] };

/** A tenant that is being written. */
class Tenant {
  readonly name: string;
  readonly blocks: BlockRange[] = [];
  readonly series: IndexedSeries[] = [];
  readonly times = new TimesTable(TIMES_BYTES_MAX);
  readonly metrics: Metric[] = [];
  #metricName: Uint8Array | undefined;
  samples = 0;
  blockBytes = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Whether they are of the metric of the series before. */
  continues(labels: Uint8Array): boolean {
    return this.#metricName !== undefined && Buffer.compare(this.#metricName, metricBytesOf(labels)) === 0;
  }

  /** Series of one metric lie side by side. */
  metricOf(labels: Uint8Array): Metric {
    if (this.continues(labels)) return this.metrics.at(-1) as Metric;
    const name = metricBytesOf(labels);
    this.#metricName = name;
    const metric = { metric: decodeUtf8(name, 0, name.length), series: 0, samples: 0, bytes: 0 };
    this.metrics.push(metric);
    return metric;
  }
}

interface Written {
  readonly totals: TenantTotals;
  readonly index: Uint8Array;
  /** What its metrics take, as it is stored. */
  readonly metrics: Uint8Array;
}

/** What a segment says of itself; tenants come of what is added, losses are known when it is done. */
export type SegmentIdentity = Omit<SegmentFooter, 'tenants' | 'lost'>;

export interface FinishedSegment {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly tenants: readonly TenantTotals[];
}

/** Builds one segment in memory. Requires: tenants one after another, series in canonical order. */
export class SegmentWriter {
  readonly #out = new ByteWriter(1024 * 1024);
  readonly #block = new ByteWriter(BLOCK_BYTES + 8192);
  readonly #identity: SegmentIdentity;
  readonly #done: Written[] = [];
  #tenant: Tenant | undefined;
  #indexBytes = 0;

  constructor(identity: SegmentIdentity) {
    this.#identity = identity;
    this.#out.raw(SEGMENT_MAGIC);
  }

  /** About what it will take; labels count, so that many short series don't grow it without bound. */
  get bytes(): number {
    return this.#out.length + this.#block.length + this.#indexBytes;
  }

  get empty(): boolean {
    return this.#tenant === undefined && this.#done.length === 0;
  }

  /** Whether this series had better begin the next part: a metric that is whole in one part is read from one. */
  endsBefore(tenantName: string, labels: Uint8Array, bytesMax: number): boolean {
    const tenant = this.#tenant;
    return (
      tenant !== undefined && this.bytes * 2 >= bytesMax && (tenant.name !== tenantName || !tenant.continues(labels))
    );
  }

  /** `run[first, end)`: everything of the series in this window, times rising, each once. */
  add(tenantName: string, labels: Uint8Array, run: Columns, first = 0, end: number = run.length): void {
    assert(end > first, 'a series in a segment has samples');
    const tenant = this.#tenantNamed(tenantName);
    const metric = tenant.metricOf(labels);
    const chunks: SegmentChunk[] = [];
    for (let from = first; from < end; from += SEGMENT_CHUNK_SAMPLES) {
      const to = Math.min(end, from + SEGMENT_CHUNK_SAMPLES);
      const offset = this.#block.length;
      writeChunk(this.#block, run, from, to, tenant.times);
      const length = this.#block.length - offset;
      chunks.push({
        block: tenant.blocks.length,
        offset,
        length,
        minMs: run.timestampsMs[from] as number,
        maxMs: run.timestampsMs[to - 1] as number,
        samples: to - from,
      });
      metric.bytes += length;
      if (this.#block.length >= BLOCK_BYTES) this.#endBlock(tenant);
    }
    metric.series++;
    metric.samples += end - first;
    tenant.series.push({ labels, chunks });
    tenant.samples += end - first;
    this.#indexBytes += labels.length + chunks.length * 8;
  }

  /** `lost`: blocks that could not be read, of what it would have had. */
  finish(lost = 0): FinishedSegment {
    this.#endTenant();
    const out = this.#out;
    const tenants = this.#done.map(({ totals, index, metrics }): SegmentTenant => {
      const indexOffset = out.length;
      out.raw(index);
      const metricsOffset = out.length;
      out.raw(metrics);
      const { tenant, series, samples, bytes } = totals;
      return {
        tenant,
        series,
        samples,
        bytes,
        indexOffset,
        indexLength: index.length,
        metricsOffset,
        metricsLength: metrics.length,
      };
    });
    const footer = encodeFooter({ ...this.#identity, lost, tenants });
    out.raw(footer);
    out.u32(footer.length);
    out.u32(crc32c(footer));
    out.raw(SEGMENT_MAGIC);
    const bytes = out.finish();
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    return { bytes, digest, tenants: this.#done.map(({ totals }) => totals) };
  }

  #tenantNamed(name: string): Tenant {
    if (this.#tenant?.name === name) return this.#tenant;
    this.#endTenant();
    this.#tenant = new Tenant(name);
    return this.#tenant;
  }

  #endBlock(tenant: Tenant): void {
    if (this.#block.length === 0) return;
    const offset = this.#out.length;
    const length = writeStored(this.#out, this.#block.view());
    tenant.blocks.push({ offset, length, payload: this.#block.length });
    tenant.blockBytes += length;
    this.#block.reset();
  }

  #endTenant(): void {
    const tenant = this.#tenant;
    if (tenant === undefined) return;
    this.#endBlock(tenant);
    const pages = new ByteWriter(4096);
    writePages(
      pages,
      encodeIndex(tenant.blocks, tenant.times, tenant.series, this.#identity.startMs),
      INDEX_PAGE_BYTES,
    );
    const index = pages.finish();
    const metrics = new ByteWriter(1024);
    writeStored(metrics, encodeMetrics(tenant.metrics), 3);
    const { name, series, samples, blockBytes } = tenant;
    const totals = {
      tenant: name,
      series: series.length,
      samples,
      bytes: blockBytes + index.length + metrics.length,
      metrics: { first: (tenant.metrics[0] as Metric).metric, last: (tenant.metrics.at(-1) as Metric).metric },
    };
    this.#done.push({ totals, index, metrics: metrics.finish() });
    this.#tenant = undefined;
  }
}
