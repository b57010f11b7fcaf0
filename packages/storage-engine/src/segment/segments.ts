import { isTidemarkError, messageOf } from '@tidemark/base';
import type { Matcher } from '@tidemark/model';
import { LRUCache } from 'lru-cache';
import { erasuresOf } from '../deletes/erase.ts';
import { concernsSegment } from '../deletes/tombstones.ts';
import { matchSeries } from '../index/matcher-plan.ts';
import type { RangeCache } from '../object-store/cache.ts';
import type { Quarantine } from '../quarantine.ts';
import { type BlockSource, LIFE_RANK } from '../read/chunk-ref.ts';
import type { GatherRequest } from '../read/gather.ts';
import type { Turns } from '../read/turns.ts';
import type { Shard } from '../shard/shard.ts';
import { MADE_ANEW, type SegmentEntry } from '../tiering/manifest.ts';
import { mayMatch } from './metric-range.ts';
import { type MetricTotals, metricsOf } from './metrics.ts';
import { type RangeReader, readBlock, readFooter, readMetrics, readTenantIndex } from './reader.ts';
import type { SegmentIndex } from './segment-index.ts';
import { SegmentRead } from './segment-read.ts';

// Sealed segments as reads see them: an index per tenant kept in memory within a budget, blocks through the range cache. What
// cannot be read is a warning of the answer and never its end.

export class Segments {
  readonly #cache: RangeCache;
  readonly #indexes: LRUCache<string, SegmentIndex>;
  readonly #quarantine: Quarantine;

  constructor(cache: RangeCache, indexBytesMax: number, quarantine: Quarantine) {
    this.#cache = cache;
    this.#quarantine = quarantine;
    this.#indexes = new LRUCache({ maxSize: indexBytesMax, sizeCalculation: (index) => index.bytes + 1000 });
  }

  get cacheBytes(): { readonly segments: number; readonly indexes: number } {
    return { segments: this.#cache.counts.bytes, indexes: this.#indexes.calculatedSize };
  }

  /** What one segment has for the request. */
  read(
    index: SegmentIndex,
    shard: Shard,
    entry: SegmentEntry,
    request: GatherRequest,
    warnings: Set<string>,
  ): SegmentRead {
    const deletes = request.deletes?.filter((tombstone) => concernsSegment(tombstone, shard, entry)) ?? [];
    return new SegmentRead({
      index,
      refs: matchSeries(index, request.matchers),
      source: this.#source(entry, request.tenant, index, warnings),
      range: request.range,
      rank: entry.sequence * LIFE_RANK,
      erasures: erasuresOf(index, deletes),
      labelsOnly: request.labelsOnly === true,
    });
  }

  /**
   * The tenant's index of a segment; undefined when it has nothing of the tenant that could match, or cannot be read (a warning
   * then).
   */
  async index(
    entry: SegmentEntry,
    tenant: string,
    warnings: Set<string>,
    matchers: readonly Matcher[] = [],
  ): Promise<SegmentIndex | undefined> {
    const totals = entry.tenants.find((candidate) => candidate.tenant === tenant);
    if (totals === undefined) return undefined;
    if (entry.lost > 0) warnings.add(lossOf(entry));
    if (!mayMatch(totals.metrics, matchers)) return undefined;
    const key = `${entry.object}#${tenant}`;
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const ranges = this.#cache.ranges(entry.object, entry.bytes);
    try {
      const index = await this.#twice(entry, async () => readTenantIndex(ranges, await readFooter(ranges), tenant));
      if (index !== undefined) this.#indexes.set(key, index);
      return index;
    } catch (error) {
      this.#unreadable(entry, error, warnings);
      return undefined;
    }
  }

  /**
   * What each metric of a tenant takes in a segment, chunks before compression; undefined as in `index`. Segments before version 2 do
   * not say: their index does.
   */
  async metrics(
    entry: SegmentEntry,
    tenant: string,
    warnings: Set<string>,
    turns: Turns,
  ): Promise<readonly MetricTotals[] | undefined> {
    if (!entry.tenants.some((candidate) => candidate.tenant === tenant)) return undefined;
    const ranges = this.#cache.ranges(entry.object, entry.bytes);
    try {
      const said = await this.#twice(entry, async () => readMetrics(ranges, await readFooter(ranges), tenant));
      if (said.length > 0) return said;
    } catch (error) {
      this.#unreadable(entry, error, warnings);
      return undefined;
    }
    const index = await this.index(entry, tenant, warnings);
    return index && metricsOf(index, turns);
  }

  /** The object is removed. */
  forget(object: string): void {
    this.#cache.forget(object);
    for (const key of this.#indexes.keys()) if (key.startsWith(`${object}#`)) this.#indexes.delete(key);
  }

  #source(entry: SegmentEntry, tenant: string, index: SegmentIndex, warnings: Set<string>): BlockSource {
    const ranges: RangeReader = this.#cache.ranges(entry.object, entry.bytes);
    return {
      // Blocks are numbered by tenant.
      id: `${entry.object}#${tenant}`,
      cacheable: false,
      ...(index.times && { times: index.times }),
      readBlocks: (numbers) => {
        this.#cache.together(
          entry.object,
          numbers.flatMap((number) => index.blocks[number] ?? []),
        );
        return Promise.all(
          numbers.map(async (number) => {
            const block = index.blocks[number];
            try {
              return block && (await this.#twice(entry, () => readBlock(ranges, block, index.version)));
            } catch (error) {
              this.#unreadable(entry, error, warnings);
              return undefined;
            }
          }),
        );
      },
    };
  }

  /** Bytes that do not fit their checksum are fetched once more: they may have changed on their way. */
  async #twice<T>(entry: SegmentEntry, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#cache.forget(entry.object);
      return read();
    }
  }

  #unreadable(entry: SegmentEntry, error: unknown, warnings: Set<string>): void {
    if (!isTidemarkError(error)) throw error;
    warnings.add(`segment ${entry.object} cannot be read: ${messageOf(error)}`);
    this.#cache.forget(entry.object);
    if (isDamage(error)) this.#quarantine('segment', entry.object, undefined);
  }
}

function lossOf({ lost, object }: SegmentEntry): string {
  return lost === MADE_ANEW
    ? `of segment ${object} it is not known whether it is all there is, and what was deleted of it: its manifest was lost`
    : `${lost} blocks of segment ${object} were lost before it was sealed`;
}

function isDamage(error: unknown): boolean {
  return isTidemarkError(error, 'SEGMENT_CORRUPT') || isTidemarkError(error, 'BYTES_MALFORMED');
}
