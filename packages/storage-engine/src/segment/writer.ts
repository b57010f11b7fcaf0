import { createHash } from 'node:crypto';
import { assert, ByteWriter, crc32c } from '@tidemark/base';
import { writeChunk } from '../chunk/chunk.ts';
import type { Columns } from '../chunk/columns.ts';
import { CHUNK_SAMPLES } from '../head/pending.ts';
import type { TenantTotals } from '../tiering/manifest.ts';
import type { BlockRange } from './chunk-columns.ts';
import { encodeFooter, SEGMENT_MAGIC, type SegmentFooter, type SegmentTenant } from './format.ts';
import { encodeIndex } from './segment-index.ts';
import type { IndexedSeries, SegmentChunk } from './series-entry.ts';

// 64 KiB: one range read (some 15 ms at an object store) brings about 400 chunks of a metric.
const BLOCK_BYTES = 64 * 1024;

/** Builds one segment in memory. Requires: tenants one after another, series in canonical order. */
export class SegmentWriter {
  readonly #out = new ByteWriter(1024 * 1024);
  readonly #block = new ByteWriter(BLOCK_BYTES + 8192);
  readonly #footer: Omit<SegmentFooter, 'tenants'>;
  readonly #done: (TenantTotals & { readonly index: Uint8Array })[] = [];
  #tenant: { name: string; blocks: BlockRange[]; series: IndexedSeries[]; samples: number } | undefined;
  #indexBytes = 0;

  constructor(footer: Omit<SegmentFooter, 'tenants'>) {
    this.#footer = footer;
    this.#out.raw(SEGMENT_MAGIC);
  }

  /** About what it will take; labels count, so that many short series don't grow it without bound. */
  get bytes(): number {
    return this.#out.length + this.#block.length + this.#indexBytes;
  }

  get empty(): boolean {
    return this.#tenant === undefined && this.#done.length === 0;
  }

  /** `run`: everything of the series in this window, times rising, each once. */
  add(tenant: string, id: Uint8Array, labels: Uint8Array, run: Columns): void {
    assert(run.length > 0, 'a series in a segment has samples');
    if (this.#tenant?.name !== tenant) {
      this.#endTenant();
      this.#tenant = { name: tenant, blocks: [], series: [], samples: 0 };
    }
    const chunks: SegmentChunk[] = [];
    for (let from = 0; from < run.length; from += CHUNK_SAMPLES) {
      const to = Math.min(run.length, from + CHUNK_SAMPLES);
      const offset = this.#block.length;
      writeChunk(this.#block, run, from, to);
      chunks.push({
        block: this.#tenant.blocks.length,
        offset,
        length: this.#block.length - offset,
        minMs: run.timestampsMs[from] as number,
        maxMs: run.timestampsMs[to - 1] as number,
        samples: to - from,
      });
      if (this.#block.length >= BLOCK_BYTES) this.#endBlock();
    }
    this.#tenant.series.push({ id, labels, chunks });
    this.#tenant.samples += run.length;
    this.#indexBytes += id.length + labels.length + chunks.length * 8;
  }

  finish(): { readonly bytes: Uint8Array; readonly digest: string; readonly tenants: readonly TenantTotals[] } {
    this.#endTenant();
    const out = this.#out;
    const tenants: SegmentTenant[] = this.#done.map(({ tenant, series, samples, index }) => {
      const indexOffset = out.length;
      out.raw(index);
      out.u32(crc32c(index));
      return { tenant, indexOffset, indexLength: out.length - indexOffset, series, samples };
    });
    const footer = encodeFooter({ ...this.#footer, tenants });
    out.raw(footer);
    out.u32(footer.length);
    out.u32(crc32c(footer));
    out.raw(SEGMENT_MAGIC);
    const bytes = out.finish();
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    return { bytes, digest, tenants: this.#done.map(({ tenant, series, samples }) => ({ tenant, series, samples })) };
  }

  #endBlock(): void {
    if (this.#block.length === 0 || this.#tenant === undefined) return;
    const offset = this.#out.length;
    this.#out.raw(this.#block.view());
    this.#out.u32(crc32c(this.#block.view()));
    this.#tenant.blocks.push({ offset, length: this.#out.length - offset });
    this.#block.reset();
  }

  #endTenant(): void {
    if (this.#tenant === undefined) return;
    this.#endBlock();
    const { name, blocks, series, samples } = this.#tenant;
    const index = encodeIndex(blocks, series, this.#footer.startMs);
    this.#done.push({ tenant: name, series: series.length, samples, index });
    this.#tenant = undefined;
  }
}
