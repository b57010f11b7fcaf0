import type { Clock } from '@tidemark/base';
import {
  decodeLabels,
  type Labels,
  type LabelsRequest,
  type ReadTerms,
  type Retention,
  type SelectAnswer,
  type SelectedRows,
  type SelectedSeries,
  type SelectRequest,
  type SeriesSource,
} from '@tidemark/model';
import type { Columns } from '../chunk/columns.ts';
import { ROW_COLUMN_COUNT } from '../chunk/rollup-columns.ts';
import type { Tombstone } from '../deletes/tombstone.ts';
import type { Tombstones } from '../deletes/tombstones.ts';
import { storageError } from '../errors.ts';
import type { Tier } from '../head/resolve.ts';
import { areApart, type SegmentRead, type Take } from '../segment/segment-read.ts';
import type { Segments } from '../segment/segments.ts';
import type { Shard } from '../shard/shard.ts';
import { beginShardRead, type ShardRead } from '../shard/shard-read.ts';
import type { SegmentEntry } from '../tiering/manifest.ts';
import { ahead } from './ahead.ts';
import { standApart } from './apart.ts';
import { type BlockCache, LoadedBlocks } from './block-cache.ts';
import type { GatheredSeries } from './chunk-ref.ts';
import { SeriesDecoder } from './decode.ts';
import { EVERYTHING, Gathered, type GatherRequest } from './gather.ts';
import { HandedSeries } from './handed-series.ts';
import { weightOf } from './histograms.ts';
import { keptRange } from './kept.ts';
import { labelNames, labelValues } from './label-answers.ts';
import { LabelTexts } from './label-texts.ts';
import { rowsOf, wantedColumns } from './rows.ts';
import { SampleColumns } from './samples.ts';
import { sortInTurns, Turns } from './turns.ts';

// One answer from head, windows and segments.
//
//   gather   every shard of the tier: head copied, chunks named; then segments' indexes (range reads)
//   decode   series by series, blocks loaded for a few hundred series at a time, merged, limits checked as it grows
//
// Where no series is in two places, both are done in step, a few hundred series at a time: where no segment reaches into the range,
// or nothing but segments does, of different metrics.
//
// Work is done in small pieces with turns of the event loop between them (turns.ts), the answer is of one moment all the same:
// reads of all shards begin in one turn, and with them the lists of segments are taken. What is appended, moved or sealed from
// then on changes nothing of what a read finds (shard/shard-read.ts). Windows stay until the answer is made.

// Series whose blocks are loaded together: enough to fill a read, few enough to hold.
const SERIES_AT_ONCE = 256;
// Indexes of segments asked for at a time: an object store takes its time for each, and a year has twenty.
const INDEXES_AHEAD = 8;

export interface SourceContext {
  readonly clock: Clock;
  /** Of the partitions that are asked for, or all. */
  shards(terms: Pick<ReadTerms, 'partitions'>): Iterable<Shard>;
  readonly segments: Segments;
  readonly tombstones: Tombstones;
  readonly retention: Retention;
  readonly blocks: BlockCache;
  readonly texts: LabelTexts;
}

export function makeSource(parts: Omit<SourceContext, 'texts'>): SeriesSource {
  const context: SourceContext = { ...parts, texts: new LabelTexts() };
  return {
    async select(request) {
      if (request.each) return answer(context, 'raw', request, 1, handedOver(context.texts, request.each));
      const columns = new SampleColumns();
      const series: SelectedSeries[] = [];
      const { warnings } = await answer(context, 'raw', request, 1, (owner, ref, entries) => {
        series.push(columns.take(context.texts.of(owner, ref), entries));
        return undefined;
      });
      return { series, warnings };
    },
    async selectRows(request) {
      const series: SelectedRows[] = [];
      const wanted = wantedColumns(request.columns);
      const take: Take = (owner, ref, entries) => {
        series.push({ labels: context.texts.of(owner, ref), rows: rowsOf(entries, wanted) });
        return undefined;
      };
      const { warnings } = await answer(context, request.resolution, request, ROW_COLUMN_COUNT, take, wanted);
      return { series, warnings };
    },
    async series(request) {
      const turns = new Turns(context.clock, request.signal);
      const gathered = await gatherLabels(context, request, turns);
      try {
        const found = gathered.series.map(({ owner, ref }) => owner.labelBytes(ref));
        const labels = await sortInTurns(found, Buffer.compare, turns);
        const series: Labels[] = [];
        for (const bytes of labels.slice(0, request.limit)) {
          if (turns.due()) await turns.take();
          series.push(decodeLabels(bytes));
        }
        return { series, warnings: [...gathered.warnings] };
      } finally {
        gathered.release();
      }
    },
    labelNames: (request) => labelNames(context, request),
    labelValues: (request) => labelValues(context, request),
  };
}

/** Series of all tiers with a piece in the range. */
export async function gatherLabels(context: SourceContext, request: LabelsRequest, turns: Turns): Promise<Gathered> {
  const gathered = new Gathered(Number.MAX_SAFE_INTEGER);
  const matchers = request.matchers.length === 0 ? EVERYTHING : request.matchers;
  try {
    const labelsOnly = { ...request, matchers, labelsOnly: true };
    await gather(context, begin(context, undefined, labelsOnly, gathered, turns), labelsOnly, gathered, turns);
  } catch (error) {
    gathered.release();
    throw error;
  }
  return gathered;
}

/** Reads of shards that have begun, in one turn, and the segments that go with them. */
interface Begun {
  readonly reads: readonly ShardRead[];
  readonly segments: readonly SegmentPart[];
}

interface SegmentPart {
  readonly shard: Shard;
  readonly entry: SegmentEntry;
  readonly deletes: readonly Tombstone[];
}

function begin(
  context: SourceContext,
  tier: Tier | undefined,
  request: GatherRequest,
  gathered: Gathered,
  turns: Turns,
): Begun {
  turns.check();
  const reads: ShardRead[] = [];
  const segments: SegmentPart[] = [];
  const lost = context.tombstones.warningOf(request.range);
  if (lost !== undefined) gathered.warnings.add(lost);
  for (const shard of context.shards(request)) {
    if (tier !== undefined && shard.tier !== tier) continue;
    const own = { ...request, deletes: context.tombstones.of(shard, request.tenant, request.range) };
    const read = beginShardRead(shard, own, gathered);
    if (read !== undefined) reads.push(read);
    if (shard.sealed === undefined) gathered.warnings.add(sealedUnknown(shard));
    for (const entry of shard.sealed ?? []) {
      if (entry.startMs < request.range.endMs && entry.endMs > request.range.startMs) {
        segments.push({ shard, entry, deletes: own.deletes });
      }
    }
  }
  return { reads, segments };
}

export function sealedUnknown({ name: { topic, partition } }: Shard): string {
  return `sealed segments of ${topic}/${partition} are unknown: their manifest cannot be read`;
}

/** What there is outside of segments; and the segments, to be taken next. */
async function gatherUnsealed(
  context: SourceContext,
  { reads, segments }: Begun,
  request: GatherRequest,
  gathered: Gathered,
  turns: Turns,
): Promise<readonly SegmentRead[]> {
  for (const read of reads) await read.finish(turns);
  const sealed: SegmentRead[] = [];
  let next = 0;
  const indexOf = ({ entry }: SegmentPart) =>
    context.segments.index(entry, request.tenant, gathered.warnings, request.matchers);
  for await (const index of ahead(segments, INDEXES_AHEAD, indexOf)) {
    const { shard, entry, deletes } = segments[next++] as SegmentPart;
    turns.check();
    if (turns.late()) await turns.take();
    if (index === undefined) continue;
    sealed.push(context.segments.read(index, shard, entry, { ...request, deletes }, gathered.warnings));
  }
  return sealed;
}

/** Everything there is, before any of it is worked on: what is in several places is put together. */
async function gather(
  context: SourceContext,
  begun: Begun,
  request: GatherRequest,
  gathered: Gathered,
  turns: Turns,
): Promise<void> {
  for (const read of await gatherUnsealed(context, begun, request, gathered, turns))
    await read.collect(gathered, turns);
}

/** Everything a request asks of a tier, handed to `take` series by series. */
async function answer(
  context: SourceContext,
  tier: Tier,
  asked: SelectRequest,
  columnCount: number,
  take: Take,
  wanted?: Uint8Array,
): Promise<SelectAnswer<never>> {
  const { range, rangeOf } = keptRange(context.shards(asked), tier, asked, context.retention);
  const request = range === asked.range ? asked : { ...asked, range };
  const gathered = new Gathered(request.limits.seriesMax);
  try {
    const turns = new Turns(context.clock, request.signal);
    const decoder = new SeriesDecoder(columnCount, wanted);
    const newestOnly = request.newestOnly === true && columnCount === 1;
    let samples = 0;
    const counted: Take = (owner, ref, entries) => {
      const count = entries.to - entries.from;
      if (count === 0) return undefined;
      samples += weightOf(entries);
      if (samples > request.limits.samplesMax) throw tooManySamples(samples, request.limits.samplesMax);
      return take(owner, ref, entries);
    };
    let blocks: LoadedBlocks | undefined;
    const decode = async (some: readonly GatheredSeries[]) => {
      turns.check();
      blocks = await LoadedBlocks.load(context.blocks, some, blocks);
      for (const one of some) {
        if (turns.due()) await turns.take();
        const own = rangeOf ? rangeOf(one.owner, one.ref) : range;
        const entries = newestOnly ? decoder.newest(one, blocks, own) : decoder.entries(one, blocks, own);
        const pause = counted(one.owner, one.ref, entries);
        if (pause) await pause;
      }
    };
    const begun = begin(context, tier, request, gathered, turns);
    if (begun.segments.length === 0 && (await standApart(begun.reads, turns))) {
      await decodeInStep(begun.reads, gathered, turns, decode);
    } else {
      const sealed = await gatherUnsealed(context, begun, request, gathered, turns);
      if (gathered.series.length === 0 && rangeOf === undefined && areApart(sealed)) {
        for (const read of sealed) await read.scan({ decoder, newestOnly, gathered, turns, take: counted });
      } else {
        for (const read of sealed) await read.collect(gathered, turns);
        const found = gathered.takeOut();
        for (let at = 0; at < found.length; at += SERIES_AT_ONCE) await decode(found.slice(at, at + SERIES_AT_ONCE));
      }
    }
    if (decoder.lost > 0) gathered.warnings.add(`${decoder.lost} chunks cannot be read; samples are missing`);
    // Damage that this very read found is in the windows by now.
    noteDamage(context, tier, request, gathered.warnings);
    return { series: [], warnings: [...gathered.warnings] };
  } finally {
    gathered.release();
  }
}

/** Hands series over in the decoder's own columns. */
function handedOver(texts: LabelTexts, each: NonNullable<SelectRequest['each']>): Take {
  const handed = new HandedSeries(texts);
  return (owner, ref, entries) => each(handed.show(owner, ref, entries));
}

/** A few hundred series at a time are taken and decoded, and what was copied for them is used again for the next. */
async function decodeInStep(
  reads: readonly ShardRead[],
  gathered: Gathered,
  turns: Turns,
  decode: (some: readonly GatheredSeries[]) => Promise<void>,
): Promise<void> {
  for (const read of reads) read.standApart();
  for (const read of reads) {
    for (let all = false; !all; ) {
      all = await read.takeSome(SERIES_AT_ONCE, turns);
      // Others' too: what is about to change was taken for them.
      const copies = reads.map((one) => one.handOver());
      await decode(gathered.takeOut());
      for (const [i, one] of reads.entries()) one.giveBack(copies[i] as readonly Columns[]);
    }
  }
}

function noteDamage(context: SourceContext, tier: Tier, request: SelectRequest, warnings: Set<string>): void {
  const { range } = request;
  for (const shard of context.shards(request)) {
    if (shard.tier !== tier) continue;
    for (const window of shard.allWindows()) {
      if (window.startMs >= range.endMs || window.endMs <= range.startMs) continue;
      for (const what of window.damage) warnings.add(what);
    }
  }
}

function tooManySamples(samples: number, limit: number): Error {
  return storageError(
    'SELECT_TOO_MANY_SAMPLES',
    `the query selects more than ${limit} samples; narrow its matchers or its range`,
    { limit, found: samples },
  );
}
