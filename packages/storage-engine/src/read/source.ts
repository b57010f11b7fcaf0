import {
  decodeLabels,
  type Labels,
  type LabelsRequest,
  makeRowColumns,
  type RowColumns,
  type SelectAnswer,
  type SelectedRows,
  type SelectedSeries,
  type SelectRequest,
  type SeriesSource,
} from '@tidemark/model';
import type { Columns } from '../chunk/columns.ts';
import { RELATIVE_COLUMNS, ROW_COLUMN_COUNT, ROW_COLUMNS } from '../chunk/rollup-columns.ts';
import { storageError } from '../errors.ts';
import type { Tier } from '../head/resolve.ts';
import type { Segments } from '../segment/segments.ts';
import { collectShard } from '../shard/collect.ts';
import type { Shard } from '../shard/shard.ts';
import { type BlockCache, LoadedBlocks } from './block-cache.ts';
import type { GatheredSeries } from './chunk-ref.ts';
import { SeriesDecoder } from './decode.ts';
import { EVERYTHING, Gathered, type GatherRequest } from './gather.ts';
import { labelNames, labelValues } from './label-answers.ts';

// One answer from head, windows and segments.
//
//   gather   every shard of the tier: head copied, chunks named ─ one turn; then segments' indexes (range reads)
//   decode   series by series, blocks loaded for a few hundred series at a time, merged, limits checked as it grows
//
// The head is copied before segments are looked at, and windows that were named stay until the answer is made: a seal in between
// moves a window into a segment, and both then say the same.

// Series whose blocks are loaded together: enough to fill a read, few enough to hold.
const SERIES_AT_ONCE = 256;

export interface SourceContext {
  shards(): Iterable<Shard>;
  readonly segments: Segments;
  readonly blocks: BlockCache;
}

export function makeSource(context: SourceContext): SeriesSource {
  return {
    select: (request) =>
      answer(
        context,
        'raw',
        request,
        1,
        (labels, columns): SelectedSeries => ({
          labels,
          timestampsMs: columns.timestampsMs.slice(0, columns.length),
          values: valuesOf(columns, 0),
        }),
      ),
    selectRows: (request) =>
      answer(
        context,
        request.resolution,
        request,
        ROW_COLUMN_COUNT,
        (labels, columns): SelectedRows => ({
          labels,
          rows: rowsOf(columns),
        }),
      ),
    async series(request) {
      const gathered = await gatherAll(context, request, Number.MAX_SAFE_INTEGER);
      try {
        const labels = [...gathered.series.values()].map(({ labelBytes }) => labelBytes);
        labels.sort(Buffer.compare);
        const series = labels.slice(0, request.limit).map((bytes): Labels => decodeLabels(bytes));
        return { series, warnings: withCut(gathered.warnings, labels.length, request.limit) };
      } finally {
        gathered.release();
      }
    },
    labelNames: (request) => labelNames(context, request),
    labelValues: (request) => labelValues(context, request),
  };
}

/** Series of all tiers with a piece in the range. */
async function gatherAll(context: SourceContext, request: LabelsRequest, seriesMax: number): Promise<Gathered> {
  const gathered = new Gathered(seriesMax);
  const matchers = request.matchers.length === 0 ? EVERYTHING : request.matchers;
  try {
    await gather(context, undefined, { ...request, matchers }, gathered, request.signal);
  } catch (error) {
    gathered.release();
    throw error;
  }
  return gathered;
}

export async function gather(
  context: SourceContext,
  tier: Tier | undefined,
  request: GatherRequest,
  gathered: Gathered,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const shards = [...context.shards()].filter((shard) => tier === undefined || shard.tier === tier);
  const sealed = shards.map((shard) => shard.sealed);
  for (const shard of shards) collectShard(shard, request, gathered);
  for (const [i, entries] of sealed.entries()) {
    if (entries === undefined) {
      const { topic, partition } = (shards[i] as Shard).name;
      gathered.warnings.add(`sealed segments of ${topic}/${partition} are unknown: their manifest cannot be read`);
    }
    for (const entry of entries ?? []) {
      if (entry.startMs >= request.range.endMs || entry.endMs <= request.range.startMs) continue;
      signal.throwIfAborted();
      await context.segments.collect(entry, request, gathered);
    }
  }
}

async function answer<S>(
  context: SourceContext,
  tier: Tier,
  request: SelectRequest,
  columnCount: number,
  make: (labels: Labels, columns: Columns) => S,
): Promise<SelectAnswer<S>> {
  const gathered = new Gathered(request.limits.seriesMax);
  try {
    await gather(context, tier, request, gathered, request.signal);
    const found = [...gathered.series.values()].sort((a, b) => Buffer.compare(a.labelBytes, b.labelBytes));
    const decoder = new SeriesDecoder(columnCount);
    const series: S[] = [];
    let samples = 0;
    for (let at = 0; at < found.length; at += SERIES_AT_ONCE) {
      const some: readonly GatheredSeries[] = found.slice(at, at + SERIES_AT_ONCE);
      request.signal.throwIfAborted();
      const blocks = await LoadedBlocks.load(context.blocks, some);
      for (const one of some) {
        const columns = decoder.decode(one, blocks, request.range);
        if (columns.length === 0) continue;
        samples += columns.length;
        if (samples > request.limits.samplesMax) throw tooManySamples(samples, request.limits.samplesMax);
        series.push(make(decodeLabels(one.labelBytes), columns));
      }
    }
    if (decoder.lost > 0) gathered.warnings.add(`${decoder.lost} chunks cannot be read; samples are missing`);
    // Damage that this very read found is in the windows by now.
    noteDamage(context, tier, request, gathered.warnings);
    return { series, warnings: [...gathered.warnings] };
  } finally {
    gathered.release();
  }
}

function noteDamage(context: SourceContext, tier: Tier, { range }: SelectRequest, warnings: Set<string>): void {
  for (const shard of context.shards()) {
    if (shard.tier !== tier) continue;
    for (const window of shard.allWindows()) {
      if (window.startMs >= range.endMs || window.endMs <= range.startMs) continue;
      for (const what of window.damage) warnings.add(what);
    }
  }
}

function valuesOf(columns: Columns, column: number): Float64Array {
  const { values } = columns.columns[column] as { values: Float64Array };
  return values.slice(0, columns.length);
}

function rowsOf(columns: Columns): RowColumns {
  const rows = makeRowColumns(columns.length);
  const ends = columns.timestampsMs.subarray(0, columns.length);
  rows.endMs.set(ends);
  ROW_COLUMNS.forEach((name, c) => {
    rows[name].set(valuesOf(columns, c));
  });
  for (const c of RELATIVE_COLUMNS) {
    const column = rows[ROW_COLUMNS[c] as 'firstMs' | 'lastMs'];
    for (let i = 0; i < columns.length; i++) column[i] = (ends[i] as number) - (column[i] as number);
  }
  return rows;
}

export function withCut(warnings: Set<string>, found: number, limit: number): string[] {
  return found > limit
    ? [...warnings, `the answer was cut at the limit of ${limit}; there are ${found}`]
    : [...warnings];
}

function tooManySamples(samples: number, limit: number): Error {
  return storageError(
    'SELECT_TOO_MANY_SAMPLES',
    `the query selects more than ${limit} samples; narrow its matchers or its range`,
    { limit, found: samples },
  );
}
